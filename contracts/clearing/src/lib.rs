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

    /// A member put assets in.
    #[ink(event)]
    pub struct Deposited {
        /// Who.
        #[ink(topic)]
        pub(crate) member: Member,
        /// What.
        pub(crate) asset: Asset,
        /// In its smallest unit.
        pub(crate) amount: u128,
        /// The deposit's number.
        pub(crate) deposit: u64,
    }

    /// A member took assets out.
    #[ink(event)]
    pub struct Withdrawn {
        /// Who.
        #[ink(topic)]
        pub(crate) member: Member,
        /// What.
        pub(crate) asset: Asset,
        /// In its smallest unit.
        pub(crate) amount: u128,
        /// The member's account at the time.
        pub(crate) to: AccountId,
    }

    /// Co-signed vouchers are kept (S0.7). A large batch takes several of these events.
    #[ink(event)]
    pub struct Retained {
        /// The batch's number.
        #[ink(topic)]
        pub(crate) batch: u32,
        /// When the relations were drawn up: with a voucher and its fee schedule, this gives the relation.
        pub(crate) drawn_at: u64,
        /// The window that those settled net are in.
        pub(crate) window: u32,
        /// The registry's epoch that the signers were checked against.
        pub(crate) epoch: u32,
        /// Who signed.
        pub(crate) signers: Vec<Member>,
        /// What was co-signed, in the batch's order.
        pub(crate) vouchers: Vec<RetainedVoucher>,
    }

    /// A debtor discharged its obligations (S0.11).
    #[ink(event)]
    pub struct Cleared {
        /// The voucher's id.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The clearing voucher's id.
        pub(crate) id: ClearingVoucherId,
        /// What the debtor signed.
        pub(crate) clearing_voucher: ClearingVoucher,
    }

    /// The notaries published a fee schedule.
    #[ink(event)]
    pub struct FeesPublished {
        /// Its version.
        #[ink(topic)]
        pub(crate) version: u32,
        /// Its rules.
        pub(crate) rules: Vec<FeeRule>,
    }

    /// The notaries said how far a member may go negative.
    #[ink(event)]
    pub struct CapSet {
        /// Whose.
        #[ink(topic)]
        pub(crate) member: Member,
        /// In what.
        pub(crate) asset: Asset,
        /// In its smallest unit.
        pub(crate) cap: u128,
    }

    /// A window takes no more obligations; the next one does.
    #[ink(event)]
    pub struct WindowCutOff {
        /// Its number.
        #[ink(topic)]
        pub(crate) window: u32,
    }

    /// A window could not be paid: nothing moved.
    #[ink(event)]
    pub struct WindowShort {
        /// Its number.
        #[ink(topic)]
        pub(crate) window: u32,
        /// Who lacks how much.
        pub(crate) shortfalls: Vec<Shortfall>,
    }

    /// A window was paid.
    #[ink(event)]
    pub struct WindowSettled {
        /// Its number.
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
        /// Which.
        pub(crate) vouchers: Vec<VoucherId>,
    }

    /// A party contests an obligation (S0.13).
    #[ink(event)]
    pub struct DisputeOpened {
        /// The voucher.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// What is contested, by whom, until when the notaries may rule.
        pub(crate) dispute: Dispute,
    }

    /// A party answered a dispute.
    #[ink(event)]
    pub struct DisputeAnswered {
        /// The voucher.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The obligation's place.
        pub(crate) obligation: u8,
        /// Who, with what.
        pub(crate) response: Response,
    }

    /// A dispute has ended.
    #[ink(event)]
    pub struct DisputeRuled {
        /// The voucher.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The obligation's place.
        pub(crate) obligation: u8,
        /// How.
        pub(crate) ruling: Ruling,
        /// What goes back: a new obligation of the creditor's.
        pub(crate) awarded: u128,
    }

    /// What a ruling gave back is owed, and was paid, or a part of it.
    #[ink(event)]
    pub struct AwardPaid {
        /// The voucher.
        #[ink(topic)]
        pub(crate) voucher: VoucherId,
        /// The obligation's place.
        pub(crate) obligation: u8,
        /// How much, this time; 0 if there was nothing to pay it from.
        pub(crate) amount: u128,
    }

    impl Clearing {
        /// A clearing house without deposits, for the members of `registry`. Disputes can be opened for `dispute_period`
        /// milliseconds after a retention, and ruled for `ruling_period` after they were opened.
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

        /// Adds the tokens sent along to the caller's settlement balance. Returns the deposit's number.
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

        /// Pays from the caller's balance to its registered account.
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

        /// Executes debtors' clearing vouchers: all of them or none. Anyone may send it. At most 32.
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

        /// Publishes the next fee schedule. Returns its version.
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

        /// Says how far a member may go negative in an asset, over all windows that are not paid. A cap below what it
        /// owes already keeps it from owing more.
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

        /// Closes the open window, opens the next, and pays the closed one. What can't be paid stays cut off.
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

        /// Takes vouchers out of a window that is cut off: their debtors pay them one by one. At most 64.
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

        /// Contests an obligation of a retained voucher, as the caller's institution.
        ///
        /// # Errors
        /// `UnknownMember`, `NotActive`, `NotYourAccount`, `NotInvolved`, `UnknownVoucher`, `BadClaim`,
        /// `DisputeTooLate`, `AlreadyDisputed`.
        #[ink(message)]
        pub fn open_dispute(&mut self, member: Member, voucher: Voucher, claim: Claim) -> Result<()> {
            self.ensure_caller_is(member)?;
            self.contest(member, &voucher, claim)
        }

        /// Answers a dispute, as the caller's institution.
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

        /// Pays what a ruling gave back and is not paid yet, as far as the balance reaches. What waited for the contested
        /// obligation is owed from now on, if that is paid by now. Anyone may send it. Returns what was paid.
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

        /// What a member holds of an asset.
        #[ink(message)]
        pub fn balance(&self, member: Member, asset: Asset) -> SettlementBalance {
            self.balances.get((member, asset)).unwrap_or_default()
        }

        /// The relation that a retained voucher led to, and how far it is paid (S0.12).
        #[ink(message)]
        pub fn retention(&self, voucher: Voucher) -> Option<Retention> {
            self.retention_of(&voucher)
        }

        /// As `retention`, of up to 64 vouchers at once, in their order. None of any where there are more.
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

        /// What the vouchers of a batch have in common.
        #[ink(message)]
        pub fn batch(&self, number: u32) -> Option<Batch> {
            self.batch.get(number)
        }

        /// A debtor's clearing voucher for a retained voucher (S0.12).
        #[ink(message)]
        pub fn clearing_voucher(&self, voucher: VoucherId, issuer: Member) -> Option<Discharge> {
            self.discharges.get((voucher, issuer))
        }

        /// A fee schedule, by version; the latest one's version is what `current` says.
        #[ink(message)]
        pub fn fees(&self, version: u32) -> Option<Vec<FeeRule>> {
            self.schedule(version).ok()
        }

        /// The open window, the latest fee schedule, and the number of decisions so far.
        #[ink(message)]
        pub fn current(&self) -> Current {
            Current {
                window: self.open_window,
                fees: self.fee_version,
                decisions: self.decisions,
            }
        }

        /// A window, by number.
        #[ink(message)]
        pub fn window(&self, number: u32) -> Option<Window> {
            (number <= self.open_window).then(|| self.windows.get(number).unwrap_or_default())
        }

        /// What a member is owed and owes in a window.
        #[ink(message)]
        pub fn position(&self, window: u32, member: Member, asset: Asset) -> Position {
            self.positions.get((window, member, asset)).unwrap_or_default()
        }

        /// The dispute over an obligation.
        #[ink(message)]
        pub fn dispute(&self, voucher: VoucherId, obligation: u8) -> Option<Dispute> {
            self.disputes.get((voucher, obligation))
        }

        /// What went back of an obligation, by refunds and rulings together.
        #[ink(message)]
        pub fn returned(&self, voucher: VoucherId, obligation: u8) -> u128 {
            self.returned.get((voucher, obligation)).unwrap_or_default()
        }

        /// How long a dispute may be opened after a retention, and ruled after it was opened, in milliseconds.
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
