//! Files of the format safetensors with a description, and a checksum over all of it.
//!
//! The metadata have one field, `promemu`, a JSON object:
//!
//! | field | content |
//! | --- | --- |
//! | `format` | the format of the content, with its version |
//! | `crc32c` | CRC-32C of `content` as it is written, then of all tensors in the order of their names, in hexadecimal digits |
//! | `content` | the description, a JSON object in a text |
//!
//! All tensors are of 64-bit floats.

#![expect(
    clippy::disallowed_types,
    reason = "the crate safetensors takes and gives metadata as such; they have one field"
)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, View, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The field of the metadata.
const FIELD: &str = "promemu";

/// A file that is not read.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// It has another format.
    #[error("is no file of promemu; promemu fit --dynamics writes one")]
    Foreign,
    /// It is of another format or version.
    #[error("has the format {found:?}, but {expected:?} is expected; fit it again")]
    Version {
        /// The format.
        found: String,
        /// The one that is read.
        expected: String,
    },
    /// It has changed since it was written, or cannot be written.
    #[error("is damaged: {what}; copy it again, or fit it again")]
    Damaged {
        /// The fault.
        what: String,
    },
}

/// A tensor: its shape, and its numbers in rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The sizes.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<f64>,
}

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    #[serde(default)]
    crc32c: String,
    #[serde(default)]
    content: String,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(bytes(&self.values).collect())
    }

    fn data_len(&self) -> usize {
        self.values.len() * 8
    }
}

fn damaged(what: impl std::fmt::Display) -> ContainerError {
    ContainerError::Damaged { what: what.to_string() }
}

/// The bytes of a file.
///
/// # Errors
///
/// The description cannot be written as JSON, or a tensor does not have its shape.
pub fn pack(format: &str, content: &impl Serialize, tensors: &Tensors) -> Result<Vec<u8>, ContainerError> {
    let content = serde_json::to_string(content).map_err(damaged)?;
    let metadata = Metadata { format: format.to_owned(), crc32c: checksum(&content, tensors), content };
    let metadata = serde_json::to_string(&metadata).map_err(damaged)?;
    serialize(tensors, Some(HashMap::from([(FIELD.to_owned(), metadata)]))).map_err(damaged)
}

/// The description and the tensors of a file's bytes.
///
/// # Errors
///
/// The bytes have another format, or have changed since they were written.
pub fn unpack<T: DeserializeOwned>(format: &str, bytes: &[u8]) -> Result<(T, Tensors), ContainerError> {
    let is_like_one = bytes.get(8) == Some(&b'{');
    let refused = |error| if is_like_one { damaged(error) } else { ContainerError::Foreign };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(refused)?;
    let text = metadata.metadata().as_ref().and_then(|fields| fields.get(FIELD));
    let metadata: Metadata = serde_json::from_str(text.ok_or(ContainerError::Foreign)?).map_err(damaged)?;
    if metadata.format != format {
        return Err(ContainerError::Version { found: metadata.format, expected: format.to_owned() });
    }
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let tensors = tensors_of(&file)?;
    if checksum(&metadata.content, &tensors) != metadata.crc32c {
        return Err(damaged("its content does not have the checksum that it was written with"));
    }
    Ok((serde_json::from_str(&metadata.content).map_err(damaged)?, tensors))
}

fn tensors_of(file: &SafeTensors<'_>) -> Result<Tensors, ContainerError> {
    let of = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| {
        if tensor.dtype() != Dtype::F64 {
            return Err(damaged(format!("tensor {name} is not of 64-bit floats")));
        }
        let (values, _) = tensor.data().as_chunks::<8>();
        let values = values.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        Ok((name, Tensor { shape: tensor.shape().to_vec(), values }))
    };
    file.tensors().into_iter().map(of).collect()
}

fn bytes(values: &[f64]) -> impl Iterator<Item = u8> {
    values.iter().flat_map(|value| value.to_le_bytes())
}

/// CRC-32C of a text and of tensors.
#[must_use]
pub fn checksum(text: &str, tensors: &Tensors) -> String {
    let start = crc32c::crc32c(text.as_bytes());
    let add = |sum, tensor: &Tensor| crc32c::crc32c_append(sum, &bytes(&tensor.values).collect::<Vec<u8>>());
    format!("{:08x}", tensors.values().fold(start, add))
}
