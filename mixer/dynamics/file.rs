//! Model files: a [`Header`] and the weights, in a [`container`](crate::container).
//!
//! | tensor | content |
//! | --- | --- |
//! | `role.N.linear` | weights of the linear part: features × metrics |
//! | `role.N.residuals` | residuals of steps: moments × metrics |
//! | `role.N.newest` | hosts × last states × metrics |
//! | `role.N.member.M` | weights of a network, in the order of its [`Layout`](crate::network::Layout) |

use serde::{Deserialize, Serialize};

use crate::actions::Action;
use crate::container::{ContainerError, Tensor, Tensors, checksum, pack, unpack};
use crate::network::Network;
use crate::role::RoleModel;
use crate::schema::{Header, Lineage, Role};

/// The extension of model files.
pub const EXTENSION: &str = "promemu-model";
/// The format with its version.
const FORMAT: &str = "promemu-model 1";
/// The largest file that is read.
pub const BYTES_MAX: u64 = 1 << 30;

/// A model of all roles.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Seconds from one state to the next.
    pub step_secs: f64,
    /// The actions that it knows.
    pub actions: Vec<Action>,
    /// The roles.
    pub roles: Vec<RoleModel>,
    /// Its origin.
    pub lineage: Lineage,
}

/// The description in a file.
#[derive(Serialize, Deserialize)]
struct Description {
    /// CRC-32C of the names and types of metrics and actions.
    schema: String,
    #[serde(flatten)]
    header: Header,
}

impl Model {
    fn tensors(&self) -> Tensors {
        let mut tensors = Tensors::new();
        for (n, model) in self.roles.iter().enumerate() {
            let (width, role) = (model.role.columns.len(), &model.role);
            let mut put = |name: String, values: &[f64], shape: Vec<usize>| {
                tensors.insert(format!("role.{n}.{name}"), Tensor { shape, values: values.to_vec() });
            };
            let rows = |values: &[f64]| values.len() / width.max(1);
            put("linear".to_owned(), &model.linear, vec![rows(&model.linear), width]);
            put("residuals".to_owned(), &model.residuals, vec![rows(&model.residuals), width]);
            put("newest".to_owned(), &model.newest, vec![role.hosts.len(), role.lags, width]);
            for (m, member) in model.members.iter().enumerate() {
                put(format!("member.{m}"), &member.weights, vec![member.weights.len()]);
            }
        }
        tensors
    }

    /// The hash of all weights, in hexadecimal digits: equal for equal weights.
    #[must_use]
    pub fn weights_hash(&self) -> String {
        checksum("", &self.tensors())
    }

    /// The hash of the names and types of metrics and actions, in hexadecimal digits.
    #[must_use]
    pub fn schema_hash(&self) -> String {
        let actions = self.actions.iter().map(|action| format!("{} {}", action.name, action.target));
        let columns = self.roles.iter().flat_map(|model| &model.role.columns);
        let columns = columns.map(|column| format!("{} {:?}", column.shown(), column.kind));
        let names: Vec<String> = actions.chain(columns).collect();
        checksum(&names.join("\n"), &Tensors::new())
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// A number of the description is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ContainerError> {
        let header = Header {
            step_secs: self.step_secs,
            actions: self.actions.clone(),
            roles: self.roles.iter().map(|model| model.role.clone()).collect(),
            lineage: self.lineage.clone(),
        };
        pack(FORMAT, &Description { schema: self.schema_hash(), header }, &self.tensors())
    }

    /// The model of a file's bytes.
    ///
    /// # Errors
    ///
    /// The bytes are no model, or one that was damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ContainerError> {
        let (Description { schema, header }, tensors) = unpack::<Description>(FORMAT, bytes)?;
        let roles = header.roles.into_iter().enumerate();
        let roles = roles.map(|(n, role)| of_role(n, role, header.step_secs, header.actions.len(), &tensors));
        let damaged = |what| ContainerError::Damaged { what };
        let roles = roles.collect::<Result<Vec<RoleModel>, String>>().map_err(damaged)?;
        let (step_secs, actions, lineage) = (header.step_secs, header.actions, header.lineage);
        let model = Self { step_secs, actions, roles, lineage };
        if model.schema_hash() == schema {
            Ok(model)
        } else {
            Err(damaged("its metrics and actions do not have the hash that it says".to_owned()))
        }
    }
}

/// The weights of a role, each as large as its description says.
fn of_role(
    n: usize,
    role: Role,
    step_secs: f64,
    actions: usize,
    tensors: &Tensors,
) -> Result<RoleModel, String> {
    let tensor = |name: &str| {
        let name = format!("role.{n}.{name}");
        let found = tensors.get(&name).map(|tensor| tensor.values.clone());
        found.ok_or_else(|| format!("tensor {name} is missing"))
    };
    let member = |m| Ok(Network { shape: role.shape(actions), weights: tensor(&format!("member.{m}"))? });
    let members = (0..role.members).map(member).collect::<Result<Vec<Network>, String>>()?;
    let (linear, residuals, newest) = (tensor("linear")?, tensor("residuals")?, tensor("newest")?);
    let model = RoleModel { role, step_secs, actions, linear, members, residuals, newest };
    if holds(&model) {
        Ok(model)
    } else {
        Err(format!("the tensors of role {n} are not as large as its description says"))
    }
}

fn holds(model: &RoleModel) -> bool {
    let (role, width) = (&model.role, model.role.columns.len());
    let is_in = |column: &usize| *column < width;
    width > 0
        && role.lags > 0
        && model.step_secs > 0.0
        && model.linear.len() == role.features(model.actions) * width
        && model.residuals.len().is_multiple_of(width)
        && model.newest.len() == role.hosts.len() * role.lags * width
        && role.gaps.iter().all(is_in)
        && role.sums.iter().flat_map(|sum| &sum.of).all(is_in)
        && role.parts.iter().flat_map(|parts| &parts.of).all(is_in)
        && model.members.iter().all(|member| member.weights.len() == member.shape.size())
}

#[cfg(test)]
mod tests;
