//! What a credit node and a payee's institution write to each other. JSON over HTTP; ids and amounts as in
//! [`protocol::text`].
use protocol::{credit::CreditRequest, RequestId, Signature};
use serde::{Deserialize, Serialize};

/// A credit node asks whether the payee takes this payment on credit (S1.6). The same question again gets the same answer,
/// or the final one where it was pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// What the payer asks for.
    pub request: CreditRequest,
    /// The payer's.
    pub payer_signature: Signature,
    /// The payer's certificate, PEM, leaf first.
    pub payer_certificate: String,
}

/// What the payee's institution says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ConsentAnswer {
    /// A person decides: ask again.
    Pending,
    /// The payee takes it. The contract on the payer's chain checks the signature.
    Accepted {
        /// The payee's, under the request.
        signature: Signature,
        /// The payee's certificate, PEM, leaf first.
        certificate: String,
    },
    /// The payee doesn't take it.
    Refused {
        /// Why, for people.
        reason: String,
        /// The payee's, under request and reason.
        signature: Signature,
    },
}

/// A credit node asks whether a payout arrived (S1.10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrivalRequest {
    /// The request that was paid.
    pub id: RequestId,
}

/// What the payee's institution says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ArrivalAnswer {
    /// The finalized chain shows it no payout yet: ask again.
    NotSeen,
    /// It arrived. The contract on the payer's chain checks the signature.
    Arrived {
        /// The payee's receipt.
        signature: Signature,
    },
}
