//! Who is asking: bearer tokens of the institution's own clients, and what each may do.
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{header, request::Parts},
    middleware::Next,
    response::Response,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{error::ApiError, Api};
use crate::config::{Role, Token};

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Teller => "teller",
            Role::Auditor => "auditor",
        }
    }

    const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::RequestPayments
            | Permission::KeepUsers
            | Permission::Contest
            | Permission::Trade
            | Permission::HandInCreditPapers
            | Permission::ServeCards => matches!(self, Role::Operator | Role::Teller),
            Permission::MoveFunds
            | Permission::ExecuteMessages
            | Permission::Decide
            | Permission::GiveCredit
            | Permission::RunCards
            | Permission::Reconcile
            | Permission::SendWebhooks => matches!(self, Role::Operator),
        }
    }
}

/// What not every role may do. Every role may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Hand in users' payment requests.
    RequestPayments,
    /// Create and change users.
    KeepUsers,
    /// Open and answer disputes.
    Contest,
    /// Make, take and settle offers in escrow.
    Trade,
    /// Hand in what payers and payees signed about credit, and have the chain see that a time is over.
    HandInCreditPapers,
    /// Deposit to and withdraw from the settlement balance and the pools for credit, repay debts.
    MoveFunds,
    /// Submit contract messages.
    ExecuteMessages,
    /// Agree to decisions in a notary's name.
    Decide,
    /// Set a credit node's limits, freeze payers, release reservations, decide on wishes for higher limits.
    GiveCredit,
    /// Issue, top up and freeze cards, revoke terminals, hand in what holders signed, answer disputes for merchants.
    ServeCards,
    /// Change a card programme, its merchants, terminals and cards beyond that, close cycles, decide disputes.
    RunCards,
    /// Open books, record and import what is in them, correct and close their days.
    Reconcile,
    /// Have others told again what happened.
    SendWebhooks,
}

impl Permission {
    const fn action(self) -> &'static str {
        match self {
            Permission::RequestPayments => "request payments",
            Permission::KeepUsers => "change users",
            Permission::Contest => "open or answer disputes",
            Permission::Trade => "trade",
            Permission::HandInCreditPapers => "hand in papers about credit",
            Permission::MoveFunds => "move the institution's funds",
            Permission::ExecuteMessages => "submit contract messages",
            Permission::Decide => "decide for the notary",
            Permission::GiveCredit => "decide on credit",
            Permission::ServeCards => "serve card holders and merchants",
            Permission::RunCards => "run the card programme",
            Permission::Reconcile => "keep and reconcile books",
            Permission::SendWebhooks => "send webhooks again",
        }
    }
}

/// The client that is asking.
#[derive(Clone, Debug)]
pub struct Caller(Token);

impl Caller {
    /// The client's name, in the log and in front of its idempotency keys.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Lets the request pass if the client's role has this permission.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`].
    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.0.role.may(permission) {
            return Ok(());
        }
        Err(ApiError::Forbidden {
            role: self.0.role.name(),
            action: permission.action(),
        })
    }

    /// Whether the client may use this contract message at all.
    pub fn may_use(&self, contract: &str, message: &str) -> bool {
        self.0.permits_message(contract, message)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Unauthenticated)
    }
}

/// Middleware: puts the [`Caller`] into the request, or answers 401.
pub async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let caller = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| identify(&api.tokens, token.trim()))
        .ok_or(ApiError::Unauthenticated)?;
    tracing::Span::current().record("client", caller.name());
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Compares with every token, each in constant time, so that the time taken tells nothing about any of them.
fn identify(tokens: &[Token], presented: &str) -> Option<Caller> {
    let digest: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
    let mut found = None;
    for token in tokens {
        if bool::from(token.sha256.ct_eq(&digest)) {
            found = Some(token);
        }
    }
    found.cloned().map(Caller)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn token(name: &str, secret: &str, role: Role) -> Token {
        Token {
            name: name.into(),
            sha256: Sha256::digest(secret).into(),
            role,
            contract_messages: Vec::new(),
        }
    }

    #[test]
    fn a_token_names_its_client_and_nothing_else_does() {
        let tokens = [
            token("desk", "s3cret", Role::Teller),
            token("chief", "other", Role::Operator),
        ];
        assert_eq!(identify(&tokens, "s3cret").unwrap().name(), "desk");
        assert_eq!(identify(&tokens, "other").unwrap().name(), "chief");
        assert!(identify(&tokens, "s3cre").is_none());
        assert!(identify(&tokens, "").is_none());
        assert!(identify(&[], "s3cret").is_none());
    }

    #[test]
    fn a_role_does_its_own_work_only() {
        use Permission::{
            Contest, Decide, ExecuteMessages, GiveCredit, HandInCreditPapers, KeepUsers, MoveFunds, RequestPayments,
            RunCards, SendWebhooks, ServeCards, Trade,
        };
        for permission in [
            RequestPayments,
            KeepUsers,
            Contest,
            Trade,
            HandInCreditPapers,
            MoveFunds,
            ExecuteMessages,
            Decide,
            GiveCredit,
            ServeCards,
            RunCards,
            SendWebhooks,
        ] {
            assert!(Role::Operator.may(permission));
            assert!(!Role::Auditor.may(permission));
        }
        assert!(Role::Teller.may(RequestPayments) && Role::Teller.may(KeepUsers));
        assert!(Role::Teller.may(Contest) && Role::Teller.may(Trade) && Role::Teller.may(HandInCreditPapers));
        assert!(!Role::Teller.may(MoveFunds) && !Role::Teller.may(ExecuteMessages) && !Role::Teller.may(Decide));
        assert!(!Role::Teller.may(SendWebhooks) && !Role::Teller.may(GiveCredit));
        assert!(Role::Teller.may(ServeCards) && !Role::Teller.may(RunCards));
    }
}
