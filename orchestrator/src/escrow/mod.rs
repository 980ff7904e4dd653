//! Escrow: trades between institutions that don't trust each other, negotiated off-chain, paid through the contract
//! (S2.0 to S2.5).
//!
//! [`Escrow`] answers clients (`desk`) and peers (`mail`); its [`Escrow::run`] looks at every open trade whenever
//! something changed, and does the one step that the finalized chain, the clock and what is stored call for (`saga`).
mod desk;
pub mod fault;
mod mail;
pub mod messages;
pub mod ports;
mod runner;
mod saga;
pub mod secret;
pub mod state;

use std::sync::Arc;

use protocol::{
    escrow::{Agreement, Parties, Party, Secret},
    registry::Roles,
    signing::{Domain, MemberSignature, PAYLOAD_LENGTH},
    AgreementId, Hashlock, Member, Timestamp,
};
use serde::Serialize;
use tokio::sync::{Notify, OnceCell};

pub use desk::{Changes, NewOffer};
pub use fault::EscrowError;

use crate::{
    identity::{verify, SigningKey},
    settlement::{fault::Fault, members::Members},
    store::{
        escrow::{Cancellation, TradeLine, TradeRow},
        Page, Store,
    },
};
use messages::{agreement_payload, Signed};
use ports::{Clock, EscrowLedger, EscrowPeers};
use secret::Safe;
use state::{Role, Stage};

/// The longest evidence, in bytes. As JSON it may take six times as much, and a letter must fit into a request.
pub const MAX_EVIDENCE: usize = 32 * 1024;

/// The trades of one institution.
pub struct Escrow {
    member: Member,
    store: Store,
    key: SigningKey,
    safe: Safe,
    ledger: Arc<dyn EscrowLedger>,
    peers: Arc<dyn EscrowPeers>,
    clock: Arc<dyn Clock>,
    gap: OnceCell<Timestamp>,
    /// Something here changed: look at the trades.
    trades_changed: Notify,
    /// There is a letter to deliver.
    letters_changed: Notify,
}

/// A trade as this institution knows it.
#[derive(Clone, Debug, Serialize)]
pub struct Trade {
    /// Its name everywhere: the agreement's id.
    pub id: AgreementId,
    /// Its name on chain.
    pub deal: protocol::DealId,
    /// What this institution is in it.
    pub role: Role,
    /// How far it is.
    pub stage: Stage,
    /// Whether nothing more happens.
    pub is_final: bool,
    /// What is agreed on, or proposed.
    pub agreement: Agreement,
    /// The buyer's signature under it.
    pub buyer_signed: Option<Signed>,
    /// The seller's signature under it.
    pub seller_signed: Option<Signed>,
    /// When this party confirmed the delivery.
    pub confirmed_at: Option<Timestamp>,
    /// This party's evidence; the buyer's for an arbiter.
    pub evidence: Option<String>,
    /// The other party's evidence; the seller's for an arbiter.
    pub other_evidence: Option<String>,
    /// Whether this party would cancel.
    pub own_cancellation: Option<Cancellation>,
    /// Whether the other party would.
    pub other_cancellation: Option<Cancellation>,
    /// What the seller gets of the pot by a ruling, in the asset's smallest unit.
    #[serde(with = "optional_amount")]
    pub award: Option<u128>,
    /// When it was first seen here.
    pub created_at: Timestamp,
    /// Every stage so far, oldest first.
    pub history: Vec<TradeLine>,
}

impl Escrow {
    /// Puts the system together. Nothing happens before [`Escrow::run`] but answers to peers.
    pub fn new(
        member: Member,
        store: Store,
        key: SigningKey,
        ledger: Arc<dyn EscrowLedger>,
        peers: Arc<dyn EscrowPeers>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            member,
            store,
            safe: Safe::new(&key),
            key,
            ledger,
            peers,
            clock,
            gap: OnceCell::new(),
            trades_changed: Notify::new(),
            letters_changed: Notify::new(),
        })
    }

    /// A trade with everything that is known of it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn trade(&self, id: AgreementId) -> Result<Option<Trade>, EscrowError> {
        match self.store.trade(id).await? {
            Some(row) => Ok(Some(self.with_history(row).await?)),
            None => Ok(None),
        }
    }

    /// Trades, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn trades(&self, page: &Page) -> Result<Vec<Trade>, EscrowError> {
        let mut trades = Vec::new();
        for row in self.store.trades(page).await? {
            trades.push(self.with_history(row).await?);
        }
        Ok(trades)
    }

    async fn with_history(&self, row: TradeRow) -> Result<Trade, EscrowError> {
        let history = self.store.trade_history(row.id).await?;
        Ok(Trade {
            id: row.id,
            deal: row.deal,
            role: row.role,
            stage: row.stage,
            is_final: row.stage.is_final(),
            agreement: row.agreement,
            buyer_signed: row.buyer_signed,
            seller_signed: row.seller_signed,
            confirmed_at: row.confirmed_at,
            evidence: row.evidence,
            other_evidence: row.other_evidence,
            own_cancellation: row.own_cancellation,
            other_cancellation: row.other_cancellation,
            award: row.award,
            created_at: row.created_at,
            history,
        })
    }

    async fn row(&self, id: AgreementId) -> Result<TradeRow, EscrowError> {
        self.store.trade(id).await?.ok_or(EscrowError::UnknownTrade(id))
    }

    /// The shortest that a phase may be: the contract's, read once.
    async fn gap(&self) -> Result<Timestamp, EscrowError> {
        Ok(*self.gap.get_or_try_init(|| self.ledger.gap()).await?)
    }

    fn domain(&self, epoch: u32) -> Domain {
        Domain {
            genesis: self.ledger.genesis(),
            contract: self.ledger.escrow(),
            epoch,
        }
    }

    async fn members(&self, members: &[Member]) -> Result<Members, EscrowError> {
        Ok(Members::of(members, self.ledger.signers(members).await?))
    }

    /// Who would be involved in a fill, with the registry's epoch: all active, the arbiter a notary.
    async fn parties(&self, maker: Member, taker: Member, arbiter: Member) -> Result<(u32, Parties), EscrowError> {
        let members = self.members(&[maker, taker, arbiter]).await?;
        let party = |member, role| -> Result<Party, Fault> {
            let signer = members.active(member, role)?;
            Ok(Party {
                member,
                account: signer.account,
                key: signer.signing_key,
            })
        };
        let parties = Parties {
            maker: party(maker, Roles::PARTICIPANT)?,
            taker: party(taker, Roles::PARTICIPANT)?,
            arbiter: party(arbiter, Roles::NOTARY)?,
        };
        Ok((members.epoch, parties))
    }

    fn sign(&self, epoch: u32, payload: &[u8; PAYLOAD_LENGTH]) -> Signed {
        Signed {
            epoch,
            by: MemberSignature {
                member: self.member,
                signature: self.key.sign(payload),
            },
        }
    }

    fn sign_agreement(&self, epoch: u32, agreement: &Agreement) -> Signed {
        self.sign(epoch, &agreement_payload(&self.domain(epoch), agreement))
    }

    /// Whether a party of the agreement signed it, with the key that the agreement names.
    fn ensure_party_signed(&self, party: Party, signed: &Signed, agreement: &Agreement) -> Result<(), Fault> {
        let payload = agreement_payload(&self.domain(signed.epoch), agreement);
        if signed.by.member == party.member && verify(&party.key, &payload, &signed.by.signature) {
            return Ok(());
        }
        Err(Fault::BadSignature {
            signer: party.member,
            what: "agreement",
        })
    }

    /// This party's own secret of a deal under this hashlock; without one, the latest it made.
    async fn secret(&self, id: AgreementId, under: Option<Hashlock>) -> Result<Option<Secret>, EscrowError> {
        let secrets = self.store.secrets(id).await?;
        let found = secrets
            .iter()
            .find(|(hashlock, _)| under.is_none_or(|under| under == *hashlock));
        Ok(found.map(|(_, sealed)| self.safe.open(&id, sealed)).transpose()?)
    }

    async fn make_secret(&self, id: AgreementId) -> Result<Secret, EscrowError> {
        let (secret, sealed) = self.safe.make(&id)?;
        self.store.keep_secret(id, secret.hashlock(), &sealed).await?;
        Ok(secret)
    }
}

/// An amount that may be missing, as a decimal string.
mod optional_amount {
    use serde::Serializer;

    #[allow(clippy::ref_option)] // serde's signature
    pub(super) fn serialize<S: Serializer>(amount: &Option<u128>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => serializer.collect_str(amount),
            None => serializer.serialize_none(),
        }
    }
}
