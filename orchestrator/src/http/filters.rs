//! What lists can be narrowed down to.
use protocol::{Member, Timestamp, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{error::ApiError, paging, schema};
use crate::{
    assets::AssetName,
    settlement::{Role, State},
    store::{listing::PaymentFilter, Page},
};

/// Which payments: those for which all of it holds that is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentQuery {
    /// How far it is, such as `retained`, `cleared`, `refused`.
    state: Option<String>,
    /// What this institution is in it: `originator`, `home`, `destination`, `notary`.
    role: Option<String>,
    /// An institution that is a party to it.
    #[param(value_type = Option<schema::Member>, inline)]
    counterparty: Option<Member>,
    /// `native`, or the contract's account of a PSP22 token.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
    /// The number that this institution knows the user by, or the user's id as `0x…` where it is another's.
    user: Option<String>,
    /// The window that it is settled in.
    window: Option<u32>,
    /// First seen here at or after this time, in milliseconds since 1970.
    #[param(value_type = Option<u64>)]
    from: Option<Timestamp>,
    /// First seen here before this time, in milliseconds since 1970.
    #[param(value_type = Option<u64>)]
    to: Option<Timestamp>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl PaymentQuery {
    /// What is looked for, at the institution `home`.
    ///
    /// # Errors
    /// No role or state is called so, or the cursor is of another list.
    pub fn read(self, home: Member) -> Result<(PaymentFilter, Page), ApiError> {
        let page = paging::page(self.limit, self.cursor.as_deref())?;
        let role = self.role.map(|name| role(&name)).transpose()?;
        if let Some(name) = &self.state {
            let of_role = |state: &&State| role.is_none_or(|role| role == state.role());
            let mut known = State::ALL.iter().filter(of_role).map(|state| state.as_str());
            if !known.any(|known| known == name) {
                return Err(ApiError::Malformed(format!(
                    "no payment is ever {name:?}: see /docs for the states"
                )));
            }
        }
        let user = self.user.map(|user| match user.parse::<UserId>() {
            Ok(id) if user.starts_with("0x") => id,
            _ => UserId::of(home, &user),
        });
        let filter = PaymentFilter {
            role,
            state: self.state,
            counterparty: self.counterparty,
            asset: self.asset.map(|asset| asset.0),
            user,
            window: self.window,
            from: self.from,
            to: self.to,
            retained: false,
        };
        Ok((filter, page))
    }
}

fn role(name: &str) -> Result<Role, ApiError> {
    let mut roles = State::ALL.iter().map(|state| state.role());
    roles.find(|role| role.as_str() == name).ok_or_else(|| {
        ApiError::Malformed(format!(
            "{name:?} is no role: an institution is `originator`, `home`, `destination` or `notary`"
        ))
    })
}
