//! What institutions sign.
//!
//! A payload is `b"<Bytes>" ‖ digest ‖ b"</Bytes>"`: it can never be a transaction (extrinsics longer than 256 bytes
//! are signed as a bare 32-byte hash in the same sr25519 context), and a polkadot.js wallet can sign it.
//! The digest binds the protocol version, the purpose, the chain, the contract and the signer-set epoch, so that no
//! signature can be replayed on another chain, contract, purpose or epoch.
use alloc::vec::Vec;
use ink::env::hash::Blake2x256;
use scale::{Decode, Encode};

use crate::{AccountId, Member, Signature, Timestamp};

const TAG: [u8; 12] = *b"quittance/v1";
const OPEN: &[u8; 7] = b"<Bytes>";
const CLOSE: &[u8; 8] = b"</Bytes>";

/// Length of every payload in bytes.
pub const PAYLOAD_LENGTH: usize = 47;

/// What a signature is for. The number of each purpose is part of the protocol: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Purpose {
    /// A user's request to its originator. id: digest of the request.
    PaymentRequest,
    /// The originator's and each destination's co-signature of a voucher (S0.3, S0.4). id: voucher.
    Voucher,
    /// A refusal (S0.5). id: voucher.
    Refusal,
    /// A destination's confirmation to a notary (S0.7). id: voucher.
    Attestation,
    /// The notary's and the debtors' co-signature of a relation (S0.8, S0.9). id: relation.
    Relation,
    /// A member's signature under the (voucher, relation) pairs that it is a party to, checked on chain.
    Retention,
    /// A debtor's discharge of its obligations (S0.11). id: clearing voucher.
    ClearingVoucher,
    /// A governor's signature under a change of the registry. id: digest of the change.
    Governance,
    /// An offer to trade (S2.0). id: offer.
    Offer,
    /// A party's signature under an agreement to trade (S2.0). id: agreement.
    Agreement,
    /// A party's consent to calling a deal off, checked on chain. id: deal.
    Cancellation,
    /// A notary's signature under a decision, checked on chain. id: digest of the decision.
    Decision,
    /// An assisting institution's word to a destination (S0.4). id: voucher.
    Assistance,
    /// The payer's and the payee's signature under a payment on credit (S1.3, S1.6), checked on chain. id: request.
    CreditRequest,
    /// How much a payee lets a payer owe on payments to it (S1.7), checked on chain. id: digest of the order.
    CreditLimit,
    /// A payer's wish for a higher limit of the credit node's (S1.12), checked on chain. id: digest of the wish.
    CreditRaise,
    /// A payee's word that the payout arrived (S1.10), checked on chain. id: request.
    CreditReceipt,
    /// The card's and the terminal's signature under a payment (S4.3), checked on chain. id: the payment's reference.
    CardPayment,
    /// A terminal's order to void a payment, checked on chain. id: digest of the order.
    CardVoid,
    /// A terminal's order to refund a payment, checked on chain. id: digest of the order.
    CardRefund,
    /// A holder's objection to a payment, checked on chain. id: digest of the order.
    CardDispute,
    /// A terminal's message to its merchant's acquirer (S4.3). id: the order's reference.
    TerminalMessage,
    /// A holder's question about its card (S4.5). id: digest of the question.
    CardQuery,
    /// A side's signature under a book's terms, checked on chain. id: digest of the terms.
    BookTerms,
    /// A side's signature under a correction (S3.4), checked on chain. id: digest of the correction.
    Correction,
    /// A side's signature under the closing of a day (S3.5), checked on chain. id: digest of the closing.
    Closing,
    /// A side's word to the other on what its book says of a day (S3.2). id: digest of the statement.
    BookStatement,
}

/// Where a signature is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Domain {
    /// Hash of the chain's genesis block.
    pub genesis: [u8; 32],
    /// The contract that is to act on the signature. Its address alone doesn't tell chains apart.
    pub contract: AccountId,
    /// The registry's epoch at signing. 0 for signers that are not members (users).
    pub epoch: u32,
}

/// The bytes to sign: `id` names the thing, `body` holds what `id` doesn't already cover.
pub fn payload<B: Encode + ?Sized>(
    domain: &Domain,
    purpose: Purpose,
    id: &[u8; 32],
    expires_at: Timestamp,
    body: &B,
) -> [u8; PAYLOAD_LENGTH] {
    let preimage = (
        TAG,
        purpose,
        domain.genesis,
        domain.contract,
        domain.epoch,
        id,
        expires_at,
        body,
    )
        .encode();
    let mut digest = [0u8; 32];
    ink::env::hash_bytes::<Blake2x256>(&preimage, &mut digest);

    let mut payload = [0u8; PAYLOAD_LENGTH];
    payload[..7].copy_from_slice(OPEN);
    payload[7..39].copy_from_slice(&digest);
    payload[39..].copy_from_slice(CLOSE);
    payload
}

/// One member's signature among several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct MemberSignature {
    /// The member that signed.
    pub member: Member,
    /// Its signature; over which payload, the context says.
    pub signature: Signature,
}

/// Whether the members ascend strictly. This is the check against duplicates: sr25519 signatures are randomised, so
/// comparing signatures would find none.
pub fn ascending(signatures: &[MemberSignature]) -> bool {
    signatures
        .windows(2)
        .all(|pair| matches!(pair, [left, right] if left.member < right.member))
}

/// The members of a list of signatures.
pub fn members(signatures: &[MemberSignature]) -> Vec<Member> {
    signatures.iter().map(|signed| signed.member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: Domain = Domain {
        genesis: [1; 32],
        contract: AccountId([2; 32]),
        epoch: 3,
    };
    const ID: [u8; 32] = [4; 32];

    fn base() -> [u8; PAYLOAD_LENGTH] {
        payload(&DOMAIN, Purpose::Voucher, &ID, 5, &())
    }

    #[test]
    fn a_payload_is_a_wrapped_digest_that_can_be_no_transaction() {
        let payload = base();
        assert!(payload.starts_with(b"<Bytes>") && payload.ends_with(b"</Bytes>"));
        assert_ne!(payload.len(), 32);
    }

    #[test]
    fn everything_that_a_signature_must_bind_changes_the_payload() {
        let others = [
            payload(
                &Domain {
                    genesis: [9; 32],
                    ..DOMAIN
                },
                Purpose::Voucher,
                &ID,
                5,
                &(),
            ),
            payload(
                &Domain {
                    contract: AccountId([9; 32]),
                    ..DOMAIN
                },
                Purpose::Voucher,
                &ID,
                5,
                &(),
            ),
            payload(&Domain { epoch: 9, ..DOMAIN }, Purpose::Voucher, &ID, 5, &()),
            payload(&DOMAIN, Purpose::Retention, &ID, 5, &()),
            payload(&DOMAIN, Purpose::Voucher, &[9; 32], 5, &()),
            payload(&DOMAIN, Purpose::Voucher, &ID, 9, &()),
            payload(&DOMAIN, Purpose::Voucher, &ID, 5, &9u8),
        ];
        for other in others {
            assert_ne!(other, base());
        }
    }

    #[test]
    fn members_ascend_strictly_or_not_at_all() {
        let signed = |member| MemberSignature {
            member: Member(member),
            signature: Signature([0; 64]),
        };
        assert!(ascending(&[]));
        assert!(ascending(&[signed(1), signed(2)]));
        assert!(!ascending(&[signed(1), signed(1)]));
        assert!(!ascending(&[signed(2), signed(1)]));
    }
}
