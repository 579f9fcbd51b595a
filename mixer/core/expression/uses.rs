//! The uses of names in the syntax tree of an expression or a script: what it reads, declares, writes and emits.

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use super::host_storage::VARIABLE;

/// The names, fields and events of a syntax tree.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) names: Vec<String>,
    pub(super) declared: Vec<String>,
    pub(super) fields: Vec<(String, String)>,
    pub(super) emits: Vec<Option<String>>,
    pub(super) stores: Vec<String>,
    /// `true` if it calls a method, or a function of the storage, so that it may change a value that it only names.
    pub(super) calls_on_storage: bool,
    /// The names that are assigned to, or a part of which is.
    pub(super) written: Vec<(String, Position)>,
    /// The functions that are called: the name, the number of values and the position.
    pub(super) calls: Vec<(String, usize, Position)>,
}

impl Uses {
    pub(super) fn of(ast: &AST) -> Self {
        let mut uses = Self::default();
        ast.walk(&mut |nodes: &[ASTNode<'_>]| {
            if let Some(node) = nodes.last() {
                uses.note_call(node);
                uses.note(node);
            }
            true
        });
        uses
    }

    fn note_call(&mut self, node: &ASTNode<'_>) {
        match node {
            ASTNode::Expr(Expr::FnCall(call, position)) | ASTNode::Stmt(Stmt::FnCall(call, position)) => {
                let first = call.args.first().and_then(assigned_name);
                self.calls_on_storage |= first.is_some_and(|(name, _)| name == "storage" || name == VARIABLE);
                if !call.is_operator_call() {
                    self.calls.push((call.name.to_string(), call.args.len(), *position));
                }
            }
            ASTNode::Expr(Expr::MethodCall(call, position)) => {
                self.calls_on_storage = true;
                self.calls.push((call.name.to_string(), call.args.len() + 1, *position));
            }
            _ => {}
        }
    }

    fn note(&mut self, node: &ASTNode<'_>) {
        match node {
            ASTNode::Expr(Expr::Variable(variable, ..)) => self.names.push(variable.1.to_string()),
            ASTNode::Expr(Expr::Dot(pair, ..)) => {
                let property = match &pair.rhs {
                    Expr::Dot(inner, ..) | Expr::Index(inner, ..) => &inner.lhs,
                    other => other,
                };
                if let (Expr::Variable(variable, ..), Expr::Property(property, _)) = (&pair.lhs, property) {
                    self.fields.push((variable.1.to_string(), property.2.to_string()));
                }
            }
            ASTNode::Expr(Expr::Index(pair, ..)) => {
                if let (Expr::Variable(variable, ..), Expr::StringConstant(key, _)) = (&pair.lhs, &pair.rhs) {
                    self.fields.push((variable.1.to_string(), key.to_string()));
                }
            }
            ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))
                if call.name == "emit" =>
            {
                let name = call.args.first();
                self.emits.push(match name {
                    Some(Expr::StringConstant(name, _)) => Some(name.to_string()),
                    _ => None,
                });
            }
            // Called as a method of the event's name, which may be calculated.
            ASTNode::Expr(Expr::MethodCall(call, _)) if call.name == "emit" => self.emits.push(None),
            ASTNode::Stmt(Stmt::Assignment(parts)) => {
                self.written.extend(assigned_name(&parts.1.lhs));
                if !parts.0.is_op_assignment() {
                    self.stores.extend(stored_key(&parts.1.lhs));
                }
            }
            ASTNode::Stmt(Stmt::Var(declaration, ..)) => self.declared.push(declaration.0.name.to_string()),
            ASTNode::Stmt(Stmt::For(parts, _)) => {
                self.declared.push(parts.0.name.to_string());
                self.declared.extend(parts.1.as_ref().map(|counter| counter.name.to_string()));
            }
            ASTNode::Stmt(Stmt::TryCatch(parts, _)) => {
                if let Expr::Variable(variable, ..) = &parts.expr {
                    self.declared.push(variable.1.to_string());
                }
            }
            _ => {}
        }
    }
}

/// The name at the front of a chain of fields, as an assignment's target, and its position.
fn assigned_name(target: &Expr) -> Option<(String, Position)> {
    match target {
        Expr::Variable(variable, _, position) => Some((variable.1.to_string(), *position)),
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => assigned_name(&pair.lhs),
        _ => None,
    }
}

/// The key of an assignment to `storage.KEY`.
fn stored_key(target: &Expr) -> Option<String> {
    match target {
        Expr::Dot(pair, ..) => match (&pair.lhs, &pair.rhs) {
            (Expr::Variable(variable, ..), Expr::Property(property, _)) if variable.1 == "storage" => {
                Some(property.2.to_string())
            }
            _ => None,
        },
        Expr::Index(pair, ..) => match (&pair.lhs, &pair.rhs) {
            (Expr::Variable(variable, ..), Expr::StringConstant(key, _)) if variable.1 == "storage" => {
                Some(key.to_string())
            }
            _ => None,
        },
        _ => None,
    }
}
