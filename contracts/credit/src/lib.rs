//! Credit: a credit node pays a payee on one chain, and the payer owes it on another, within the payee's limit for the
//! payer and the credit node's (S1.6 to S1.12). The same code runs on both chains.
//!
//! | | message | chain | limits |
//! |---|---|---|---|
//! | 1 | `reserve` | debt's | the amount counts against both |
//! | 2 | `pay` | payout's | – |
//! | 3 | `commit` | debt's | what was reserved is owed |
//! | 4 | `repay` | debt's | what is repaid counts no longer |
//!
//! What the credit node won't pay it can `release`; what nobody committed in time anyone can `expire`. Payers and payees
//! speak by signature and never by sending a transaction, because they may live on another chain.
//!
//! Always: for each limit, reserved + outstanding ≤ limit, but after a cut, when they don't grow; both are the sums over
//! the debts. No request is reserved twice, or paid twice. Per asset, what this contract holds = the credit node's pool.
//! As long as one block time is less than `grace` behind the other, nothing is paid once its reservation has expired.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod clock;
mod debts;
mod limits;
mod node;
mod pool;
mod raises;
mod reservations;

use protocol::credit::Error;

/// What a message that may refuse returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Credit: a credit node pays a payee on one chain, and the payer owes it on another, within the payee's limit for the
/// payer and the credit node's (S1.6 to S1.12). Amounts are in the asset's smallest unit, times in milliseconds since
/// 1970.
#[ink::contract]
mod credit {
    use ink::{prelude::vec::Vec, storage::Mapping};
    use protocol::{
        credit::{
            Constants, CreditRequest, Debt, Error, LimitOrder, Limits, NodeLimit, PayeeLimit, Payout, PayoutBlock,
            Raise, RaiseDecision, RaiseRequest, MAX_ASKED,
        },
        settlement::Asset,
        Member, RequestId, Signature,
    };

    use crate::Result;

    /// A payee, a payer and an asset.
    pub(crate) type PayeeLine = (AccountId, AccountId, Asset);

    #[ink(storage)]
    pub struct Credit {
        /// The chain's genesis hash: part of what payers and payees sign.
        pub(crate) genesis: [u8; 32],
        /// The registry that knows the credit node.
        pub(crate) registry: AccountId,
        /// The credit node.
        pub(crate) node: Member,
        /// The least time from the end of paying out to the end of a reservation, in milliseconds: longer than finality
        /// on the payout's chain, a call on the debt's, and the difference of their block times together.
        pub(crate) grace: u64,
        /// What payees let payers owe. No entry here ever shrinks: the storage deposit would go to whoever happened to send
        /// the transaction.
        pub(crate) payee_limits: Mapping<PayeeLine, PayeeLimit>,
        /// What the credit node lets payers owe, by payer and asset.
        pub(crate) node_limits: Mapping<(AccountId, Asset), NodeLimit>,
        /// Whether the credit node takes nothing new of a payer.
        pub(crate) frozen: Mapping<AccountId, bool>,
        /// Payers' latest wishes for a higher limit, by payer and asset.
        pub(crate) raises: Mapping<(AccountId, Asset), Raise>,
        /// Every request that was reserved here, for good.
        pub(crate) debts: Mapping<RequestId, Debt>,
        /// Every request that was paid here, for good.
        pub(crate) payouts: Mapping<RequestId, Payout>,
        /// What the credit node has here to pay with: what it put in, and what payers repaid.
        pub(crate) pools: Mapping<Asset, Balance>,
    }

    /// A payee said how much a payer may owe on payments to it (S1.7).
    #[ink(event)]
    pub struct LimitSet {
        /// The account of who may owe.
        #[ink(topic)]
        pub(crate) payer: AccountId,
        /// The account of who lets the payer owe.
        pub(crate) payee: AccountId,
        /// The asset that may be owed.
        pub(crate) asset: Asset,
        /// How much may be owed, in the asset's smallest unit.
        pub(crate) limit: Balance,
        /// The order's number: above that of every earlier order of this payee for this payer and asset.
        pub(crate) sequence: u64,
    }

    /// The credit node said how much a payer may owe to it, over all payees (S1.8).
    #[ink(event)]
    pub struct NodeLimitSet {
        /// The account of who may owe.
        #[ink(topic)]
        pub(crate) payer: AccountId,
        /// The asset that may be owed.
        pub(crate) asset: Asset,
        /// How much may be owed, in the asset's smallest unit.
        pub(crate) limit: Balance,
        /// Digest of what the limit was computed from.
        pub(crate) evidence: [u8; 32],
    }

    /// The credit node takes nothing new of a payer.
    #[ink(event)]
    pub struct Frozen {
        /// The payer's account.
        #[ink(topic)]
        pub(crate) payer: AccountId,
    }

    /// The credit node takes requests of a payer again.
    #[ink(event)]
    pub struct Unfrozen {
        /// The payer's account.
        #[ink(topic)]
        pub(crate) payer: AccountId,
    }

    /// A payer wishes for a higher limit of the credit node's (S1.12).
    #[ink(event)]
    pub struct RaiseRequested {
        /// The payer's account.
        #[ink(topic)]
        pub(crate) payer: AccountId,
        /// The asset that the limit is for.
        pub(crate) asset: Asset,
        /// The limit wished for, in the asset's smallest unit.
        pub(crate) wanted: Balance,
        /// Digest of what shows the payer's ability to repay.
        pub(crate) evidence: [u8; 32],
        /// The wish's number: above that of every earlier wish of this payer for this asset.
        pub(crate) sequence: u64,
    }

    /// The credit node decided on a payer's wish for a higher limit. What it granted is its limit from now on, and the
    /// digest its evidence.
    #[ink(event)]
    pub struct RaiseDecided {
        /// The account of the payer whose wish it was.
        #[ink(topic)]
        pub(crate) payer: AccountId,
        /// The asset that the limit is for.
        pub(crate) asset: Asset,
        /// What the credit node decided.
        pub(crate) decision: RaiseDecision,
    }

    /// A request to pay on credit fits both limits and counts against them.
    #[ink(event)]
    pub struct Reserved {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
        /// The request, as payer and payee signed it.
        pub(crate) request: CreditRequest,
    }

    /// A reservation was extended: who isn't the credit node can end it only later.
    #[ink(event)]
    pub struct Extended {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
        /// When anyone can end it from, in milliseconds since 1970.
        pub(crate) until: u64,
    }

    /// The credit node won't pay a request: its reservation no longer counts. Final.
    #[ink(event)]
    pub struct Released {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
    }

    /// Nobody said in time that a request's payee was paid: its reservation no longer counts. Final.
    #[ink(event)]
    pub struct Expired {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
    }

    /// A request's payee was paid: what was reserved is owed from now on.
    #[ink(event)]
    pub struct Committed {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
        /// The block of the payout's chain that the payee was paid in.
        pub(crate) payout: PayoutBlock,
        /// When the debt is due, in milliseconds since 1970.
        pub(crate) due_at: u64,
    }

    /// A request's payee said that the payout arrived (S1.10).
    #[ink(event)]
    pub struct ReceiptConfirmed {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
    }

    /// A debt's principal was not repaid in time: it counts as overdue, and the late fee is owed.
    #[ink(event)]
    pub struct FellOverdue {
        /// The id of the request that the debt is for.
        #[ink(topic)]
        pub(crate) id: RequestId,
        /// How much principal is overdue, in the asset's smallest unit.
        pub(crate) principal: Balance,
        /// How much late fee is owed, in the asset's smallest unit.
        pub(crate) late_fee: Balance,
    }

    /// A debt was repaid, or a part of it. Once principal and late fee are repaid, it is settled.
    #[ink(event)]
    pub struct Repaid {
        /// The id of the request that the debt is for.
        #[ink(topic)]
        pub(crate) id: RequestId,
        /// The account that paid.
        pub(crate) by: AccountId,
        /// How much principal was repaid, in the asset's smallest unit.
        pub(crate) principal: Balance,
        /// How much late fee was paid, in the asset's smallest unit.
        pub(crate) late_fee: Balance,
    }

    /// The credit node put money into its pool.
    #[ink(event)]
    pub struct Funded {
        /// The asset that was put in.
        #[ink(topic)]
        pub(crate) asset: Asset,
        /// How much was put in, in the asset's smallest unit.
        pub(crate) amount: Balance,
    }

    /// The credit node took money out of its pool.
    #[ink(event)]
    pub struct Withdrawn {
        /// The asset that was taken out.
        #[ink(topic)]
        pub(crate) asset: Asset,
        /// How much was taken out, in the asset's smallest unit.
        pub(crate) amount: Balance,
        /// The account that was paid: the credit node's at the time.
        pub(crate) to: AccountId,
    }

    /// The payee of a request was paid from the pool (S1.9).
    #[ink(event)]
    pub struct PaidOut {
        /// The request's id.
        #[ink(topic)]
        pub(crate) id: RequestId,
        /// Who was paid, in what asset, how much and when.
        pub(crate) payout: Payout,
    }

    impl Credit {
        /// Makes the contract of one credit node on one chain. `genesis`: the chain's genesis hash; `registry`: the
        /// registry that knows the credit node, by the index `node`; `grace`: the least time from the end of paying out
        /// to the end of a reservation, in milliseconds; the same on both chains.
        #[ink(constructor)]
        pub fn new(genesis: [u8; 32], registry: AccountId, node: Member, grace: u64) -> Self {
            Self {
                genesis,
                registry,
                node,
                grace,
                payee_limits: Mapping::new(),
                node_limits: Mapping::new(),
                frozen: Mapping::new(),
                raises: Mapping::new(),
                debts: Mapping::new(),
                payouts: Mapping::new(),
                pools: Mapping::new(),
            }
        }

        /// Says how much a payer may owe on payments to a payee, in the asset's smallest unit, as the payee signed
        /// (S1.7). Below what is owed or reserved, nothing new fits; repayments pass. Anyone may send it.
        ///
        /// # Errors
        /// `StaleSequence`, `BadPayeeSignature`.
        #[ink(message)]
        pub fn set_limit(&mut self, order: LimitOrder, signature: Signature) -> Result<()> {
            self.take_order(&order, &signature)
        }

        /// Says how much a payer may owe to the credit node, over all payees, in the asset's smallest unit, with the
        /// digest of what that was computed from (S1.8). Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`.
        #[ink(message)]
        pub fn set_node_limit(
            &mut self,
            payer: AccountId,
            asset: Asset,
            limit: Balance,
            evidence: [u8; 32],
        ) -> Result<()> {
            self.ensure_node()?;
            self.keep_node_limit(payer, asset, limit, evidence);
            self.env().emit_event(NodeLimitSet {
                payer,
                asset,
                limit,
                evidence,
            });
            Ok(())
        }

        /// Takes nothing new of a payer, in any asset. What is reserved can still be committed, what is owed repaid. Sent
        /// by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `Frozen`.
        #[ink(message)]
        pub fn freeze(&mut self, payer: AccountId) -> Result<()> {
            self.ensure_node()?;
            if self.is_frozen(payer) {
                return Err(Error::Frozen);
            }
            self.frozen.insert(payer, &true);
            self.env().emit_event(Frozen { payer });
            Ok(())
        }

        /// Takes requests of a payer again. Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `NotFrozen`.
        #[ink(message)]
        pub fn unfreeze(&mut self, payer: AccountId) -> Result<()> {
            self.ensure_node()?;
            if !self.is_frozen(payer) {
                return Err(Error::NotFrozen);
            }
            self.frozen.insert(payer, &false);
            self.env().emit_event(Unfrozen { payer });
            Ok(())
        }

        /// Asks the credit node for a higher limit, as the payer signed (S1.12). One wish for each asset is open at a
        /// time. Anyone may send it.
        ///
        /// # Errors
        /// `StaleSequence`, `BadPayerSignature`, `RaiseOpen`, `NotARaise`.
        #[ink(message)]
        pub fn request_raise(&mut self, wish: RaiseRequest, signature: Signature) -> Result<()> {
            self.open_raise(&wish, &signature)
        }

        /// Decides on a payer's open wish: grants a limit above the present one (more or less than was wished for), in
        /// the asset's smallest unit, or denies it. `digest`: of what it was decided from. Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `NoRaiseOpen`, `NotARaise`.
        #[ink(message)]
        pub fn decide_raise(
            &mut self,
            payer: AccountId,
            asset: Asset,
            granted: Option<Balance>,
            digest: [u8; 32],
        ) -> Result<()> {
            self.ensure_node()?;
            self.close_raise(payer, asset, RaiseDecision { granted, digest })
        }

        /// Counts a request to pay on credit against both limits, as payer and payee signed, strictly before `pay_by`
        /// (S1.3, S1.6). Sent by the credit node. Returns the request's id.
        ///
        /// # Errors
        /// The first rule that it breaks: who sends it, the request itself, where and when, whether it was used,
        /// signatures, the payer's standing (`Frozen`, `Overdue`), limits, the payee's first.
        #[ink(message)]
        pub fn reserve(&mut self, request: CreditRequest, payer: Signature, payee: Signature) -> Result<RequestId> {
            self.ensure_node()?;
            self.make_reservation(request, &payer, &payee)
        }

        /// Has a reservation end later, because it isn't known yet whether the payee was paid: at `until`, in
        /// milliseconds since 1970, no later than the debt would be due. Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `UnknownDebt`, `WrongState`, `NotLater`, `BeyondDue`.
        #[ink(message)]
        pub fn extend(&mut self, id: RequestId, until: u64) -> Result<()> {
            self.ensure_node()?;
            self.move_expiry(id, until)
        }

        /// Ends a reservation, because the credit node won't pay: nothing of it counts any more. Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `UnknownDebt`, `WrongState`.
        #[ink(message)]
        pub fn release(&mut self, id: RequestId) -> Result<()> {
            self.ensure_node()?;
            self.give_up(id)
        }

        /// Ends a reservation that nobody committed in time, at or after its end. Anyone may send it.
        ///
        /// # Errors
        /// `UnknownDebt`, `WrongState`, `TooEarly`.
        #[ink(message)]
        pub fn expire(&mut self, id: RequestId) -> Result<()> {
            self.let_expire(id)
        }

        /// Says in which finalized block the payee was paid: the payer owes from now on. As long as nobody expired the
        /// reservation, it isn't too late. The term that payer and credit node agreed on is not cut short: the debt is due
        /// as much later than `due_at` as this comes later than `expires_at`. Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `UnknownDebt`, `WrongState`, `Overflow`.
        #[ink(message)]
        pub fn commit(&mut self, id: RequestId, payout: PayoutBlock) -> Result<()> {
            self.ensure_node()?;
            self.book(id, payout)
        }

        /// Keeps that the payout arrived, as the payee signed (S1.10). Anyone may send it.
        ///
        /// # Errors
        /// `UnknownDebt`, `WrongState`, `AlreadyReceived`, `BadPayeeSignature`.
        #[ink(message)]
        pub fn confirm_receipt(&mut self, id: RequestId, signature: Signature) -> Result<()> {
            self.keep_receipt(id, &signature)
        }

        /// Repays a debt or a part of it, principal first, then the late fee: `amount`, in the asset's smallest unit,
        /// of the caller's money, native tokens sent along or a token that this contract is approved for. It goes to
        /// the credit node's pool here. At or after the day it was due, a debt falls overdue first.
        ///
        /// # Errors
        /// `UnknownDebt`, `WrongState`, `ZeroAmount`, `AboveOwed`, `WrongValue`, `TokenRefused`, `TokenShort`, `Overflow`.
        #[ink(message, payable)]
        pub fn repay(&mut self, id: RequestId, amount: Balance) -> Result<()> {
            self.take_repayment(id, amount)
        }

        /// Charges a debt's late fee, once, and counts what is owed as overdue, at or after the day it was due. Anyone
        /// may send it.
        ///
        /// # Errors
        /// `UnknownDebt`, `WrongState`, `AlreadyOverdue`, `TooEarly`.
        #[ink(message)]
        pub fn mark_overdue(&mut self, id: RequestId) -> Result<()> {
            self.let_fall_overdue(id)
        }

        /// Puts the native tokens sent along into the pool. Sent by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `ZeroAmount`, `Overflow`.
        #[ink(message, payable)]
        pub fn fund(&mut self) -> Result<()> {
            self.ensure_node()?;
            self.add_funds(Asset::Native, self.env().transferred_value())
        }

        /// Puts tokens into the pool that this contract is approved for; `amount` is in the token's smallest unit. Sent
        /// by the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `ZeroAmount`, `TokenRefused`, `TokenShort`, `Overflow`.
        #[ink(message)]
        pub fn fund_token(&mut self, token: AccountId, amount: Balance) -> Result<()> {
            self.ensure_node()?;
            self.add_funds(Asset::Psp22(token), amount)
        }

        /// Pays `amount`, in the asset's smallest unit, from the pool to the credit node's registered account. Sent by
        /// the credit node.
        ///
        /// # Errors
        /// `NotTheNode`, `NodeNotActive`, `RegistryFailed`, `ZeroAmount`, `PoolShort`, `TransferFailed`.
        #[ink(message)]
        pub fn withdraw(&mut self, asset: Asset, amount: Balance) -> Result<()> {
            let to = self.ensure_node()?;
            self.take_out(asset, amount, to)
        }

        /// Pays a request's payee from the pool, once, strictly before `pay_by` (S1.9). Sent by the credit node, who alone
        /// bears the loss if it paid without a reservation: the pool is its own.
        ///
        /// # Errors
        /// The first rule that it breaks: who sends it, the request itself, where, whether it was paid, when, money.
        #[ink(message)]
        pub fn pay(&mut self, request: CreditRequest) -> Result<()> {
            self.ensure_node()?;
            self.pay_out(&request)
        }

        /// Debts by their requests' ids, in the order asked for. At most 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn debts(&self, ids: Vec<RequestId>) -> Result<Vec<Option<Debt>>> {
            ensure_few(&ids)?;
            Ok(ids.iter().map(|id| self.debts.get(id)).collect())
        }

        /// Payouts by their requests' ids, in the order asked for. At most 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn payouts(&self, ids: Vec<RequestId>) -> Result<Vec<Option<Payout>>> {
            ensure_few(&ids)?;
            Ok(ids.iter().map(|id| self.payouts.get(id)).collect())
        }

        /// Both limits that payments of this payer to this payee must keep to, in the asset's smallest unit, and what
        /// else stands in their way.
        #[ink(message)]
        pub fn limits(&self, payer: AccountId, payee: AccountId, asset: Asset) -> Limits {
            Limits {
                payee: self.payee_limits.get((payee, payer, asset)).unwrap_or_default(),
                node: self.node_limits.get((payer, asset)).unwrap_or_default(),
                is_frozen: self.is_frozen(payer),
            }
        }

        /// What the credit node has here to pay with, in the asset's smallest unit.
        #[ink(message)]
        pub fn pool(&self, asset: Asset) -> Balance {
            self.pools.get(asset).unwrap_or_default()
        }

        /// A payer's latest wish for a higher limit, and what came of it.
        #[ink(message)]
        pub fn raise(&self, payer: AccountId, asset: Asset) -> Option<Raise> {
            self.raises.get((payer, asset))
        }

        /// What this contract was made with: genesis hash, registry, credit node and grace time.
        #[ink(message)]
        pub fn constants(&self) -> Constants {
            Constants {
                genesis: self.genesis,
                registry: self.registry,
                node: self.node,
                grace: self.grace,
            }
        }
    }

    fn ensure_few(ids: &[RequestId]) -> Result<()> {
        if ids.len() > MAX_ASKED {
            Err(Error::TooManyAsked)
        } else {
            Ok(())
        }
    }
}
