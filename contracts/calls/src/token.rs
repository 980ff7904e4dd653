//! PSP22 tokens. Their contracts are others' code: they may refuse, trap or lie, and nothing but what is in the same
//! token may suffer. They cannot call back: no call here allows it.
use ink::{
    env::{
        call::{build_call, ExecutionInput, Selector},
        DefaultEnvironment,
    },
    prelude::vec::Vec,
    primitives::AccountId,
};
use protocol::{credit, escrow, prepaid};
use psp22::PSP22Error;

/// Why tokens did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The token contract refused to move them, or is none.
    Refused,
    /// It moved another amount than it was asked for.
    Short,
}

impl From<Fault> for escrow::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::TokenRefused,
            Fault::Short => Self::TokenShort,
        }
    }
}

impl From<Fault> for prepaid::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::TokenRefused,
            Fault::Short => Self::TokenShort,
        }
    }
}

impl From<Fault> for credit::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::TokenRefused,
            Fault::Short => Self::TokenShort,
        }
    }
}

/// Moves tokens of `from`, who approved this contract `to`, here. What arrived is counted: a token that keeps a part as
/// its fee would let one debt be paid with another's money.
///
/// # Errors
/// `Refused`, `Short`.
pub fn take(token: AccountId, from: AccountId, to: AccountId, amount: u128) -> Result<(), Fault> {
    let before = balance(token, to)?;
    let moved = build_call::<DefaultEnvironment>()
        .call(token)
        .exec_input(
            ExecutionInput::new(Selector::new(ink::selector_bytes!("PSP22::transfer_from")))
                .push_arg(from)
                .push_arg(to)
                .push_arg(amount)
                .push_arg(Vec::<u8>::new()),
        )
        .returns::<Result<(), PSP22Error>>()
        .try_invoke();
    if !matches!(moved, Ok(Ok(Ok(())))) {
        return Err(Fault::Refused);
    }
    if balance(token, to)?.checked_sub(before) == Some(amount) {
        Ok(())
    } else {
        Err(Fault::Short)
    }
}

/// Moves tokens of this contract; whether that worked.
pub fn give(token: AccountId, to: AccountId, amount: u128) -> bool {
    let moved = build_call::<DefaultEnvironment>()
        .call(token)
        .exec_input(
            ExecutionInput::new(Selector::new(ink::selector_bytes!("PSP22::transfer")))
                .push_arg(to)
                .push_arg(amount)
                .push_arg(Vec::<u8>::new()),
        )
        .returns::<Result<(), PSP22Error>>()
        .try_invoke();
    matches!(moved, Ok(Ok(Ok(()))))
}

fn balance(token: AccountId, of: AccountId) -> Result<u128, Fault> {
    build_call::<DefaultEnvironment>()
        .call(token)
        .exec_input(ExecutionInput::new(Selector::new(ink::selector_bytes!("PSP22::balance_of"))).push_arg(of))
        .returns::<u128>()
        .try_invoke()
        .ok()
        .and_then(Result::ok)
        .ok_or(Fault::Refused)
}
