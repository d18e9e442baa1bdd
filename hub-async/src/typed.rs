#![doc = include_str!("../TYPED.md")]

use crate::method::{Parameter, Response};
use crate::target::{SingleTarget, Target};

/// Whom the methods of a contract can be called on: every target.
pub trait Recipients: sealed::Sealed {
    /// The target.
    fn target(&self) -> &Target;
}

/// Who can be asked for a result: one client.
#[diagnostic::on_unimplemented(
    message = "only a single client can be asked for a result",
    label = "this may be several clients, or none",
    note = "`client(id)` and `caller()` are single clients; `invoke_each` asks several for a result each"
)]
pub trait SingleRecipient: Recipients {
    /// The client.
    fn single(&self) -> &SingleTarget;
}

impl Recipients for Target {
    fn target(&self) -> &Target {
        self
    }
}

impl Recipients for SingleTarget {
    fn target(&self) -> &Target {
        self
    }
}

impl SingleRecipient for SingleTarget {
    fn single(&self) -> &SingleTarget {
        self
    }
}

/// Compiles for what a method can take: the attributes ask it of each parameter, so that the compiler
/// points there.
pub const fn parameter<P: Parameter<M>, M>() {}

/// The same for what a method can return.
pub const fn response<R: Response<M>, M>() {}

mod sealed {
    /// Only targets are.
    pub trait Sealed {}

    impl Sealed for super::Target {}
    impl Sealed for super::SingleTarget {}
}
