//! Clearing: settlement balances, retained vouchers, their discharge one by one or in windows, disputes (S0.7 to S0.14).
//!
//! Gross: a retention sets the debtor's money aside, its clearing voucher moves it. The originator pays out between the
//! two, and a debtor that spent the money meanwhile would leave it with the loss: hence the reservation.
//!
//! Net: a retention adds to positions in the open window; closing it moves the nets, all of them or none. Until then a
//! member can lose no more than its net debit cap lets it owe, and what it is owed can't be spent.
//!
//! The chain keeps a digest of each voucher, close ones together ([`Page`]): who wants something of a voucher hands it
//! along, and the contract works out again what follows from it. The vouchers themselves stand in the events.
//!
//! Always, per asset: deposits − withdrawals = Σ available + Σ reserved; Σ reserved = Σ gross obligations not discharged;
//! in each window Σ owed = Σ owes; no member's unpaid net debits are above its cap at a retention; no obligation gives
//! back more than was paid, by refunds and rulings together.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod clear;
mod decisions;
mod disputes;
mod records;
mod retain;
mod signatures;
mod windows;

use protocol::clearing::Error;

/// Gives memory back, which ink!'s own allocator never does: a batch of 1,024 vouchers would not fit into the chain's
/// 16 pages.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// What a message that may refuse returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Clearing: members' settlement balances, retained vouchers, who owes whom because of them, windows and disputes (S0.7
/// to S0.14). Amounts are in the asset's smallest unit, times in milliseconds since 1970.
#[ink::contract]
mod clearing {
    use ink::{prelude::vec::Vec, storage::Mapping};
    use protocol::{
        clearing::{
            Balance as SettlementBalance, Batch, Current, Discharge, Error, Page, Retained as RetainedVoucher,
            Retention,
        },
        decisions::{Approval, Decision},
        disputes::{Claim, Dispute, Response, Ruling},
        fees::{FeeRule, MAX_FEE_RULES},
        registry::{Roles, SignerSet, MAX_QUERY},
        settlement::{
            Asset, ClearingVoucher, RetentionBatch, SignedClearingVoucher, Source, Voucher, MAX_BATCH,
            MAX_CLEARING_BATCH, MAX_REFUNDS,
        },
        signing::{self, MemberSignature},
        windows::{Certificate, Closing, Position, Shortfall, Window, MAX_TAKEN_OUT},
        ClearingVoucherId, Member, VoucherId,
    };

    use crate::{records::Balances, signatures, Result};

    /// A window, a member and an asset.
    pub(crate) type PositionKey = (u32, Member, Asset);

    #[ink(storage)]
    pub struct Clearing {
        /// The chain's genesis hash: part of what members sign.
        pub(crate) genesis: [u8; 32],
        /// The registry that knows the members.
        pub(crate) registry: AccountId,
        /// How long after a retention a dispute may be opened, in milliseconds.
        pub(crate) dispute_period: u64,
        /// How long after that the notaries may rule, in milliseconds.
        pub(crate) ruling_period: u64,
        /// Number of deposits; also the next deposit's number.
        pub(crate) deposits: u64,
        /// Number of retention batches; also the next one's number.
        pub(crate) batches: u32,
        /// Number of decisions; also the next one's number.
        pub(crate) decisions: u32,
        /// The version of the latest fee schedule; 0 is the empty one.
        pub(crate) fee_version: u32,
        /// The number of the open window.
        pub(crate) open_window: u32,
        /// Who made a deposit of which asset, by number: what a clearing voucher may name as a source.
        pub(crate) depositors: Mapping<u64, (Member, Asset)>,
        /// What members hold.
        pub(crate) balances: Mapping<(Member, Asset), SettlementBalance>,
        /// Digests of retained vouchers, by originator and page of sequence numbers, for good. This is also the check
        /// against using a voucher twice.
        pub(crate) pages: Mapping<(Member, u64), Page>,
        /// What the vouchers of a batch have in common, by its number.
        pub(crate) batch: Mapping<u32, Batch>,
        /// Executed clearing vouchers, by voucher and debtor.
        pub(crate) discharges: Mapping<(VoucherId, Member), Discharge>,
        /// Published fee schedules, by version.
        pub(crate) schedules: Mapping<u32, Vec<FeeRule>>,
        /// Windows, by number.
        pub(crate) windows: Mapping<u32, Window>,
        /// What members are owed and owe in a window.
        pub(crate) positions: Mapping<PositionKey, Position>,
        /// What went back of an obligation, by refunds and rulings together: the voucher and the obligation's place.
        pub(crate) returned: Mapping<(VoucherId, u8), u128>,
        /// Disputes, by voucher and the contested obligation's place.
        pub(crate) disputes: Mapping<(VoucherId, u8), Dispute>,
    }

    /// A member put assets into its settlement balance.
    #[ink(event)]
    pub struct Deposited {
        /// The member that put them in.
        #[ink(topic)]
        pub(crate) member: Member,
        /// The asset that was put in.
        pub(crate) asset: Asset,
        /// How much was put in, in the asset's smallest unit.
        pub(crate) amount: u128,
        /// The deposit's number, which a clearing voucher can name as a source.
        pub(crate) deposit: u64,
    }

    /// A member took assets out of its settlement balance.
    #[ink(event)]
    pub struct Withdrawn {
        /// The member that took them out.
        #[ink(topic)]
        pub(crate) member: Member,
        /// The asset that was taken out.
        pub(crate) asset: Asset,
        /// How much was taken out, in the asset's smallest unit.
        pub(crate) amount: u128,
        /// The account that was paid: the member's at the time.
        pub(crate) to: AccountId,
    }

    /// Vouchers that all their parties co-signed were retained (S0.7). A large batch takes several of these events.
    #[ink(event)]
    pub struct Retained {
        /// The number of the batch that they came in.
        #[ink(topic)]
        pub(crate) batch: u32,
        /// When their relations were drawn up, in milliseconds since 1970: with a voucher and its fee schedule, this
        /// gives the relation.
        pub(crate) drawn_at: u64,
        /// The number of the window that those settled net are in.
        pub(crate) window: u32,
        /// The registry's epoch that the signers were checked against.
        pub(crate) epoch: u32,
        /// The members that signed, ascending.
        pub(crate) signers: Vec<Member>,
        /// The vouchers in the batch's order, each with its id and its relation's.
        pub(crate) vouchers: Vec<RetainedVoucher>,
    }

    /// A debtor discharged what it owed under a voucher (S0.11).
    #[ink(event)]
    pub struct Cleared {
        /// The id of the voucher that the obligations follow from.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The id of the clearing voucher that discharges them.
        pub(crate) id: ClearingVoucherId,
        /// The clearing voucher, as the debtor signed it.
        pub(crate) clearing_voucher: ClearingVoucher,
    }

    /// The notaries published a fee schedule.
    #[ink(event)]
    pub struct FeesPublished {
        /// The schedule's version.
        #[ink(topic)]
        pub(crate) version: u32,
        /// The schedule's rules.
        pub(crate) rules: Vec<FeeRule>,
    }

    /// The notaries said how far a member may go negative in an asset.
    #[ink(event)]
    pub struct CapSet {
        /// The member whose cap it is.
        #[ink(topic)]
        pub(crate) member: Member,
        /// The asset that it holds for.
        pub(crate) asset: Asset,
        /// How far the member may go negative over all windows that are not paid, in the asset's smallest unit.
        pub(crate) cap: u128,
    }

    /// A window takes no more obligations; the next one does.
    #[ink(event)]
    pub struct WindowCutOff {
        /// The window's number.
        #[ink(topic)]
        pub(crate) window: u32,
    }

    /// A window could not be paid, because a member can't pay what it owes: nothing moved.
    #[ink(event)]
    pub struct WindowShort {
        /// The window's number.
        #[ink(topic)]
        pub(crate) window: u32,
        /// Which members lack how much of which asset.
        pub(crate) shortfalls: Vec<Shortfall>,
    }

    /// A window was paid: what its members owe each other moved, netted.
    #[ink(event)]
    pub struct WindowSettled {
        /// The window's number.
        #[ink(topic)]
        pub(crate) window: u32,
        /// What was netted and paid: anyone can work it out from the events before.
        pub(crate) certificate: Certificate,
    }

    /// Vouchers were taken out of a window: their debtors pay them one by one.
    #[ink(event)]
    pub struct TakenOut {
        /// The window's number.
        #[ink(topic)]
        pub(crate) window: u32,
        /// The ids of the vouchers that were taken out.
        pub(crate) vouchers: Vec<VoucherId>,
    }

    /// A party contests an obligation of a retained voucher (S0.13).
    #[ink(event)]
    pub struct DisputeOpened {
        /// The id of the voucher that the obligation follows from.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// What is contested, by whom, until when the notaries may rule.
        pub(crate) dispute: Dispute,
    }

    /// A party answered a dispute.
    #[ink(event)]
    pub struct DisputeAnswered {
        /// The id of the voucher that the contested obligation follows from.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The place of the contested obligation in the voucher's relation, counted from 0.
        pub(crate) obligation: u8,
        /// Who answered, and the sha256 of the document that it answered with.
        pub(crate) response: Response,
    }

    /// A dispute has ended, by the notaries' ruling or because there was none in time.
    #[ink(event)]
    pub struct DisputeRuled {
        /// The id of the voucher that the contested obligation follows from.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The place of the contested obligation in the voucher's relation, counted from 0.
        pub(crate) obligation: u8,
        /// What came of it: whether the obligation stands, or how much of it goes back.
        pub(crate) ruling: Ruling,
        /// What goes back, in the asset's smallest unit: a new obligation of the creditor's.
        pub(crate) awarded: u128,
    }

    /// What a ruling gives back is owed, and was paid as far as the balance of who owes it reached.
    #[ink(event)]
    pub struct AwardPaid {
        /// The id of the voucher that the contested obligation follows from.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The place of the contested obligation in the voucher's relation, counted from 0.
        pub(crate) obligation: u8,
        /// How much was paid this time, in the asset's smallest unit; 0 if there was nothing to pay it from.
        pub(crate) amount: u128,
    }

    impl Clearing {
        /// Makes a clearing house without deposits, for the members of `registry`. Disputes can be opened for
        /// `dispute_period` milliseconds after a retention, and ruled for `ruling_period` milliseconds after they were
        /// opened. `genesis`: the chain's genesis hash.
        #[ink(constructor)]
        pub fn new(genesis: [u8; 32], registry: AccountId, dispute_period: u64, ruling_period: u64) -> Self {
            Self {
                genesis,
                registry,
                dispute_period,
                ruling_period,
                deposits: 0,
                batches: 0,
                decisions: 0,
                fee_version: 0,
                open_window: 0,
                depositors: Mapping::new(),
                balances: Mapping::new(),
                pages: Mapping::new(),
                batch: Mapping::new(),
                discharges: Mapping::new(),
                schedules: Mapping::new(),
                windows: Mapping::new(),
                positions: Mapping::new(),
                returned: Mapping::new(),
                disputes: Mapping::new(),
            }
        }

        /// Adds the native tokens sent along to the settlement balance of `member`, whose account the caller is.
        /// Returns the deposit's number.
        ///
        /// # Errors
        /// `ZeroAmount`, `UnknownMember`, `NotActive`, `NotYourAccount`, `Overflow`.
        #[ink(message, payable)]
        pub fn deposit(&mut self, member: Member) -> Result<u64> {
            let (asset, amount) = (Asset::Native, self.env().transferred_value());
            ensure_amount(amount)?;
            self.ensure_caller_is(member)?;

            let deposit = self.deposits;
            self.deposits = deposit.checked_add(1).ok_or(Error::Overflow)?;
            self.depositors.insert(deposit, &(member, asset));
            let mut balances = Balances::default();
            balances.credit(self, member, asset, amount, Source::Deposit(deposit))?;
            balances.write(self);
            self.env().emit_event(Deposited {
                member,
                asset,
                amount,
                deposit,
            });
            Ok(deposit)
        }

        /// Pays `amount`, in the asset's smallest unit, from the settlement balance of `member` to its registered
        /// account, which the caller is.
        ///
        /// # Errors
        /// `ZeroAmount`, `UnknownMember`, `NotActive`, `NotYourAccount`, `InsufficientBalance`, `TransferFailed`.
        #[ink(message)]
        pub fn withdraw(&mut self, member: Member, asset: Asset, amount: u128) -> Result<()> {
            ensure_amount(amount)?;
            let to = self.ensure_caller_is(member)?;

            let mut balances = Balances::default();
            balances.spend(self, member, asset, amount)?;
            balances.write(self);
            self.env().emit_event(Withdrawn {
                member,
                asset,
                amount,
                to,
            });
            match asset {
                Asset::Native => self.env().transfer(to, amount).map_err(|_| Error::TransferFailed),
                // Nobody can have deposited any.
                Asset::Psp22(_) => Err(Error::TransferFailed),
            }
        }

        /// Keeps co-signed vouchers, and sets their debtors' money aside or adds to the open window's positions: all of
        /// them or none. Returns the batch's number.
        ///
        /// Each party signs once, over the vouchers that it is a party to; the notaries sign all. Anyone may send it.
        /// At most 1,024 vouchers, of which at most 256 are refunds.
        ///
        /// # Errors
        /// The first rule that the batch breaks, in the order: size, expiry, fee schedules, signatures, vouchers.
        #[ink(message)]
        pub fn retain_batch(&mut self, batch: RetentionBatch, signatures: Vec<MemberSignature>) -> Result<u32> {
            ensure_count(batch.vouchers.len(), MAX_BATCH)?;
            if batch.refunded.len() > MAX_REFUNDS {
                return Err(Error::BatchTooLarge);
            }
            if self.env().block_timestamp() >= batch.expires_at {
                return Err(Error::BatchExpired);
            }
            self.retain(batch, &signatures)
        }

        /// Executes debtors' clearing vouchers, at most 32: all of them or none. Anyone may send it.
        ///
        /// # Errors
        /// The first rule that one of them breaks.
        #[ink(message)]
        pub fn clear_batch(&mut self, vouchers: Vec<SignedClearingVoucher>) -> Result<()> {
            ensure_count(vouchers.len(), MAX_CLEARING_BATCH)?;
            let mut issuers: Vec<Member> = vouchers.iter().map(|signed| signed.clearing_voucher.issuer).collect();
            issuers.sort_unstable();
            issuers.dedup();
            let set = self.look_up(&issuers)?;

            let mut balances = Balances::default();
            for signed in vouchers {
                signatures::ensure_clearing(self.genesis, self.env().account_id(), &signed, &issuers, &set)?;
                self.clear(signed, &mut balances)?;
            }
            balances.write(self);
            Ok(())
        }

        /// Publishes the next fee schedule, as the notaries decided. Returns its version.
        ///
        /// # Errors
        /// `TooManyRules`, or what is wrong with the approval.
        #[ink(message)]
        pub fn set_fees(&mut self, rules: Vec<FeeRule>, approval: Approval) -> Result<u32> {
            if rules.len() > MAX_FEE_RULES {
                return Err(Error::TooManyRules);
            }
            let decision = Decision::SetFees(rules.clone());
            self.ensure_decided(&decision, &approval)?;
            let version = self.fee_version.checked_add(1).ok_or(Error::Overflow)?;
            self.fee_version = version;
            self.schedules.insert(version, &rules);
            self.env().emit_event(FeesPublished { version, rules });
            Ok(version)
        }

        /// Says how far a member may go negative in an asset, in its smallest unit, over all windows that are not paid,
        /// as the notaries decided. A cap below what it owes already keeps it from owing more.
        ///
        /// # Errors
        /// `UnknownMember`, or what is wrong with the approval.
        #[ink(message)]
        pub fn set_cap(&mut self, member: Member, asset: Asset, cap: u128, approval: Approval) -> Result<()> {
            self.ensure_decided(&Decision::SetCap { member, asset, cap }, &approval)?;
            let set = self.look_up(&[member])?;
            if set.signers.first().is_none_or(Option::is_none) {
                return Err(Error::UnknownMember(member));
            }
            let mut balance = self.balance(member, asset);
            balance.cap = cap;
            self.balances.insert((member, asset), &balance);
            self.env().emit_event(CapSet { member, asset, cap });
            Ok(())
        }

        /// Closes the open window, opens the next, and pays the closed one, as the notaries decided. What can't be paid
        /// stays cut off.
        ///
        /// # Errors
        /// `WrongWindow`, or what is wrong with the approval.
        #[ink(message)]
        pub fn close_window(&mut self, window: u32, approval: Approval) -> Result<Closing> {
            self.ensure_decided(&Decision::CloseWindow(window), &approval)?;
            self.cut_off(window)?;
            self.pay_window(window)
        }

        /// Pays a window that is cut off, if everybody in it can pay by now. Anyone may send it.
        ///
        /// # Errors
        /// `WrongWindow`.
        #[ink(message)]
        pub fn settle_window(&mut self, window: u32) -> Result<Closing> {
            self.pay_window(window)
        }

        /// Takes at most 64 vouchers out of a window that is cut off, as the notaries decided: their debtors pay them
        /// one by one.
        ///
        /// # Errors
        /// `WrongWindow`, `EmptyBatch`, `BatchTooLarge`, `UnknownVoucher`, `NotInWindow`, or what is wrong with the
        /// approval.
        #[ink(message)]
        pub fn take_out(&mut self, window: u32, vouchers: Vec<Voucher>, approval: Approval) -> Result<()> {
            ensure_count(vouchers.len(), MAX_TAKEN_OUT)?;
            let ids: Vec<VoucherId> = vouchers.iter().map(Voucher::id).collect();
            let decision = Decision::TakeOut {
                window,
                vouchers: ids.clone(),
            };
            self.ensure_decided(&decision, &approval)?;
            self.take_from_window(window, &vouchers, &ids)?;
            self.env().emit_event(TakenOut { window, vouchers: ids });
            Ok(())
        }

        /// Contests an obligation of a retained voucher as `member`, whose account the caller is (S0.13).
        ///
        /// # Errors
        /// `UnknownMember`, `NotActive`, `NotYourAccount`, `NotInvolved`, `UnknownVoucher`, `BadClaim`,
        /// `DisputeTooLate`, `AlreadyDisputed`.
        #[ink(message)]
        pub fn open_dispute(&mut self, member: Member, voucher: Voucher, claim: Claim) -> Result<()> {
            self.ensure_caller_is(member)?;
            self.contest(member, &voucher, claim)
        }

        /// Answers a dispute as `member`, whose account the caller is. `obligation`: its place in the voucher's
        /// relation, counted from 0; `evidence`: sha256 of the document that shows why.
        ///
        /// # Errors
        /// `UnknownMember`, `NotActive`, `NotYourAccount`, `UnknownDispute`, `AlreadyRuled`, `NotYoursToAnswer`.
        #[ink(message)]
        pub fn answer_dispute(
            &mut self,
            member: Member,
            voucher: VoucherId,
            obligation: u8,
            evidence: [u8; 32],
        ) -> Result<()> {
            self.ensure_caller_is(member)?;
            self.answer(member, voucher, obligation, evidence)
        }

        /// Ends a dispute as the notaries decided. What goes back is a new obligation, paid at once as far as the
        /// creditor's balance reaches; but if the contested obligation is not paid yet, it waits until it is
        /// (`pay_award`). Who claims, owes or is owed cannot sign.
        ///
        /// # Errors
        /// `UnknownDispute`, `AlreadyRuled`, `NotImpartial`, `RulingTooLate`, `BadRuling`, `AbovePaid`, or what is wrong
        /// with the approval.
        #[ink(message)]
        pub fn rule(&mut self, voucher: VoucherId, obligation: u8, ruling: Ruling, approval: Approval) -> Result<()> {
            let decision = Decision::Rule {
                voucher,
                obligation,
                ruling,
            };
            self.ensure_decided(&decision, &approval)?;
            self.end_dispute(voucher, obligation, ruling, &signing::members(&approval.signatures))
        }

        /// Ends a dispute that the notaries did not rule in time: the obligation stands. Anyone may send it.
        ///
        /// # Errors
        /// `UnknownDispute`, `AlreadyRuled`, `RulingTooEarly`.
        #[ink(message)]
        pub fn rule_by_default(&mut self, voucher: VoucherId, obligation: u8) -> Result<()> {
            self.end_by_default(voucher, obligation)
        }

        /// Pays what a ruling gave back and is not paid yet, as far as the balance reaches. What waited for the
        /// contested obligation is owed from now on, if that is paid by now. Anyone may send it. Returns what was paid,
        /// in the asset's smallest unit.
        ///
        /// # Errors
        /// `UnknownDispute`, `ObligationUnpaid`, `ZeroAmount` where nothing is owed or there is nothing to pay it from.
        #[ink(message)]
        pub fn pay_award(&mut self, voucher: VoucherId, obligation: u8) -> Result<u128> {
            let dispute = self.disputes.get((voucher, obligation)).ok_or(Error::UnknownDispute)?;
            if dispute.awarded == dispute.paid {
                return Err(Error::ZeroAmount);
            }
            match self.pay_back(voucher, obligation, dispute)? {
                None => Err(Error::ObligationUnpaid),
                Some(0) if dispute.is_due => Err(Error::ZeroAmount),
                Some(paid) => Ok(paid),
            }
        }

        /// What a member holds of an asset, in its smallest unit, and how far it may go negative.
        #[ink(message)]
        pub fn balance(&self, member: Member, asset: Asset) -> SettlementBalance {
            self.balances.get((member, asset)).unwrap_or_default()
        }

        /// The relation that a retained voucher led to, and how far it is paid (S0.12).
        #[ink(message)]
        pub fn retention(&self, voucher: Voucher) -> Option<Retention> {
            self.retention_of(&voucher)
        }

        /// As `retention`, of up to 64 vouchers at once, in their order; an empty list where there are more.
        #[ink(message)]
        pub fn retentions(&self, vouchers: Vec<Voucher>) -> Vec<Option<Retention>> {
            if vouchers.len() > MAX_QUERY {
                return Vec::new();
            }
            vouchers.iter().map(|voucher| self.retention_of(voucher)).collect()
        }

        /// The vouchers kept of an originator, by page of 64 sequence numbers: digests, in the order they came.
        #[ink(message)]
        pub fn page(&self, originator: Member, page: u64) -> Page {
            self.pages.get((originator, page)).unwrap_or_default()
        }

        /// What the vouchers of a retention batch have in common, by the batch's number.
        #[ink(message)]
        pub fn batch(&self, number: u32) -> Option<Batch> {
            self.batch.get(number)
        }

        /// A debtor's clearing voucher for a retained voucher (S0.12).
        #[ink(message)]
        pub fn clearing_voucher(&self, voucher: VoucherId, issuer: Member) -> Option<Discharge> {
            self.discharges.get((voucher, issuer))
        }

        /// The rules of a fee schedule, by its version; `current` says which one is the latest.
        #[ink(message)]
        pub fn fees(&self, version: u32) -> Option<Vec<FeeRule>> {
            self.schedule(version).ok()
        }

        /// The number of the open window, the version of the latest fee schedule, and the number of decisions so far.
        #[ink(message)]
        pub fn current(&self) -> Current {
            Current {
                window: self.open_window,
                fees: self.fee_version,
                decisions: self.decisions,
            }
        }

        /// A window, by its number: how far it is, in which blocks, and who has a position in it.
        #[ink(message)]
        pub fn window(&self, number: u32) -> Option<Window> {
            (number <= self.open_window).then(|| self.windows.get(number).unwrap_or_default())
        }

        /// What a member is owed and owes in a window, in the asset's smallest unit.
        #[ink(message)]
        pub fn position(&self, window: u32, member: Member, asset: Asset) -> Position {
            self.positions.get((window, member, asset)).unwrap_or_default()
        }

        /// The dispute over an obligation, by the voucher's id and the obligation's place in its relation, counted from
        /// 0.
        #[ink(message)]
        pub fn dispute(&self, voucher: VoucherId, obligation: u8) -> Option<Dispute> {
            self.disputes.get((voucher, obligation))
        }

        /// What went back of an obligation, by refunds and rulings together, in the asset's smallest unit.
        #[ink(message)]
        pub fn returned(&self, voucher: VoucherId, obligation: u8) -> u128 {
            self.returned.get((voucher, obligation)).unwrap_or_default()
        }

        /// How long a dispute may be opened after a retention, and ruled after it was opened; both in milliseconds.
        #[ink(message)]
        pub fn dispute_periods(&self) -> (u64, u64) {
            (self.dispute_period, self.ruling_period)
        }

        /// The registry that knows the members.
        #[ink(message)]
        pub fn registry(&self) -> AccountId {
            self.registry
        }

        /// The member's account, if the caller is it and the member is active.
        fn ensure_caller_is(&self, member: Member) -> Result<AccountId> {
            let set = self.look_up(&[member])?;
            let signer = signatures::ensure_active(member, &[member], &set, Roles::PARTICIPANT)?;
            if signer.account == self.env().caller() {
                Ok(signer.account)
            } else {
                Err(Error::NotYourAccount(member))
            }
        }

        /// One call to the registry for everything that this call needs to know of members.
        pub(crate) fn look_up(&self, members: &[Member]) -> Result<SignerSet> {
            signatures::look_up(self.registry, members)
        }
    }

    fn ensure_amount(amount: u128) -> Result<()> {
        if amount == 0 {
            Err(Error::ZeroAmount)
        } else {
            Ok(())
        }
    }

    fn ensure_count(count: usize, most: usize) -> Result<()> {
        match count {
            0 => Err(Error::EmptyBatch),
            count if count > most => Err(Error::BatchTooLarge),
            _ => Ok(()),
        }
    }
}
