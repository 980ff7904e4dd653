//! The registry: who the members are.
use ink::{
    env::{
        call::{build_call, ExecutionInput, Selector},
        DefaultEnvironment,
    },
    primitives::AccountId,
};
use protocol::{
    registry::{Error, SignerSet},
    Member,
};

/// Asks the registry for these members; `None` if it doesn't answer, or is asked for more than it answers at once.
pub fn look_up(registry: AccountId, members: &[Member]) -> Option<SignerSet> {
    build_call::<DefaultEnvironment>()
        .call(registry)
        .exec_input(ExecutionInput::new(Selector::new(ink::selector_bytes!("members"))).push_arg(members))
        .returns::<Result<SignerSet, Error>>()
        .try_invoke()
        .ok()?
        .ok()?
        .ok()
}
