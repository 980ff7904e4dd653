//! Clearing: settlement balances, retained vouchers, and their discharge (S0.7, S0.8, S0.11, S0.12, S0.14).
//!
//! Gross and immediate: a retention sets the debtor's money aside, its clearing voucher moves it. The originator pays
//! out between the two, and a debtor that spent the money meanwhile would leave it with the loss: hence the reservation.
//!
//! Always, per asset: deposits − withdrawals = Σ available + Σ reserved, and Σ reserved = Σ obligations not discharged.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod signatures;

#[ink::contract]
mod clearing {
    use ink::{
        prelude::{collections::BTreeMap, vec::Vec},
        storage::Mapping,
    };
    use protocol::{
        clearing::{Balance as SettlementBalance, Discharge, Error, Retention},
        registry::{Roles, SignerSet},
        settlement::{
            Asset, ClearingVoucher, Relation, RetentionBatch, RetentionItem, SignedClearingVoucher, Source, Voucher,
            MAX_BATCH, MAX_SOURCES,
        },
        signing::MemberSignature,
        ClearingVoucherId, Member, RelationId, VoucherId,
    };

    use crate::signatures;

    /// What a message that may refuse returns.
    pub type Result<T> = core::result::Result<T, Error>;

    #[ink(storage)]
    pub struct Clearing {
        /// The chain's genesis hash: part of what members sign.
        genesis: [u8; 32],
        /// The registry that knows the members.
        registry: AccountId,
        /// Number of deposits; also the next deposit's number.
        deposits: u64,
        /// Who made a deposit of which asset, by number: what a clearing voucher may name as a source.
        depositors: Mapping<u64, (Member, Asset)>,
        /// What members hold.
        balances: Mapping<(Member, Asset), SettlementBalance>,
        /// Retained vouchers: one entry each, for good. This is also the check against using a voucher twice.
        retentions: Mapping<VoucherId, Retention>,
    }

    /// A member put assets in.
    #[ink(event)]
    pub struct Deposited {
        /// Who.
        #[ink(topic)]
        member: Member,
        /// What.
        asset: Asset,
        /// In its smallest unit.
        amount: u128,
        /// The deposit's number.
        deposit: u64,
    }

    /// A member took assets out.
    #[ink(event)]
    pub struct Withdrawn {
        /// Who.
        #[ink(topic)]
        member: Member,
        /// What.
        asset: Asset,
        /// In its smallest unit.
        amount: u128,
        /// The member's account at the time.
        to: AccountId,
    }

    /// A co-signed voucher is kept, and its debtors' money set aside (S0.7).
    #[ink(event)]
    pub struct Retained {
        /// The voucher's id.
        #[ink(topic)]
        id: VoucherId,
        /// The relation's id.
        relation_id: RelationId,
        /// What was co-signed.
        voucher: Voucher,
        /// What follows from it.
        relation: Relation,
        /// The registry's epoch that its signers were checked against.
        epoch: u32,
        /// Who signed.
        signers: Vec<Member>,
    }

    /// A debtor discharged its obligations (S0.11).
    #[ink(event)]
    pub struct Cleared {
        /// The voucher's id.
        #[ink(topic)]
        voucher: VoucherId,
        /// The clearing voucher's id.
        id: ClearingVoucherId,
        /// What the debtor signed.
        clearing_voucher: ClearingVoucher,
    }

    impl Clearing {
        /// A clearing house without deposits, for the members of `registry`.
        #[ink(constructor)]
        pub fn new(genesis: [u8; 32], registry: AccountId) -> Self {
            Self {
                genesis,
                registry,
                deposits: 0,
                depositors: Mapping::new(),
                balances: Mapping::new(),
                retentions: Mapping::new(),
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
            let mut balance = self.balance(member, asset);
            balance.available = balance.available.checked_add(amount).ok_or(Error::Overflow)?;
            balance.last_credit = Some(Source::Deposit(deposit));
            self.balances.insert((member, asset), &balance);
            self.env().emit_event(Deposited {
                member,
                asset,
                amount,
                deposit,
            });
            Ok(deposit)
        }

        /// Pays from the caller's available balance to its registered account.
        ///
        /// # Errors
        /// `ZeroAmount`, `UnknownMember`, `NotActive`, `NotYourAccount`, `InsufficientBalance`, `TransferFailed`.
        #[ink(message)]
        pub fn withdraw(&mut self, member: Member, asset: Asset, amount: u128) -> Result<()> {
            ensure_amount(amount)?;
            let to = self.ensure_caller_is(member)?;

            let mut balance = self.balance(member, asset);
            balance.available = spend(member, balance.available, amount)?;
            self.balances.insert((member, asset), &balance);
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

        /// Keeps co-signed vouchers with their relations and sets the debtors' money aside: all of them or none.
        ///
        /// Each party signs once, over the items that it is a party to; the notaries sign all. Anyone may send it.
        /// At most 32 items.
        ///
        /// # Errors
        /// The first rule that the batch breaks, in the order: size, expiry, signatures, items.
        #[ink(message)]
        pub fn retain_batch(&mut self, batch: RetentionBatch, signatures: Vec<MemberSignature>) -> Result<()> {
            let now = self.env().block_timestamp();
            ensure_batch(batch.items.len())?;
            if now >= batch.expires_at {
                return Err(Error::BatchExpired);
            }
            let signers = protocol::signing::members(&signatures);
            let set = self.look_up(&signers)?;
            signatures::ensure_retention(self.genesis, self.env().account_id(), &batch, &signatures, &set)?;

            let mut balances = BTreeMap::new();
            for item in batch.items {
                self.retain(item, now, set.epoch, &signers, &mut balances)?;
            }
            self.write(balances);
            Ok(())
        }

        /// Executes debtors' clearing vouchers: all of them or none. Anyone may send it. At most 32.
        ///
        /// # Errors
        /// The first rule that one of them breaks.
        #[ink(message)]
        pub fn clear_batch(&mut self, vouchers: Vec<SignedClearingVoucher>) -> Result<()> {
            let now = self.env().block_timestamp();
            ensure_batch(vouchers.len())?;
            let mut issuers: Vec<Member> = vouchers.iter().map(|signed| signed.clearing_voucher.issuer).collect();
            issuers.sort_unstable();
            issuers.dedup();
            let set = self.look_up(&issuers)?;

            let mut balances = BTreeMap::new();
            for signed in vouchers {
                signatures::ensure_clearing(self.genesis, self.env().account_id(), &signed, &issuers, &set)?;
                self.clear(signed.clearing_voucher, now, &mut balances)?;
            }
            self.write(balances);
            Ok(())
        }

        /// What a member holds of an asset.
        #[ink(message)]
        pub fn balance(&self, member: Member, asset: Asset) -> SettlementBalance {
            self.balances.get((member, asset)).unwrap_or_default()
        }

        /// The relation that a retained voucher led to, and how far it is cleared.
        #[ink(message)]
        pub fn relation(&self, voucher: VoucherId) -> Option<Retention> {
            self.retentions.get(voucher)
        }

        /// A debtor's clearing voucher for a retained voucher (S0.12).
        #[ink(message)]
        pub fn clearing_voucher(&self, voucher: VoucherId, issuer: Member) -> Option<Discharge> {
            let discharges = self.retentions.get(voucher)?.discharges;
            discharges
                .into_iter()
                .find(|done| done.clearing_voucher.issuer == issuer)
        }

        /// The registry that knows the members.
        #[ink(message)]
        pub fn registry(&self) -> AccountId {
            self.registry
        }

        fn retain(
            &mut self,
            item: RetentionItem,
            now: u64,
            epoch: u32,
            signers: &[Member],
            balances: &mut BTreeMap<(Member, Asset), SettlementBalance>,
        ) -> Result<()> {
            let RetentionItem { voucher, relation } = item;
            let id = voucher.id();
            voucher.check().map_err(|fault| Error::BadVoucher(id, fault))?;
            if now >= voucher.expires_at {
                return Err(Error::VoucherExpired(id));
            }
            if self.retentions.contains(id) {
                return Err(Error::VoucherUsed(id));
            }
            if relation != Relation::of(&voucher, relation.drawn_at) {
                return Err(Error::RelationMismatch(id));
            }
            for owed in &relation.obligations {
                let balance = self.cached(owed.debtor, owed.asset, balances);
                balance.available = spend(owed.debtor, balance.available, owed.amount)?;
                balance.reserved = balance.reserved.checked_add(owed.amount).ok_or(Error::Overflow)?;
            }

            let relation_id = relation.id();
            let kept = Retention {
                relation_id,
                relation: relation.clone(),
                retained_in: self.env().block_number(),
                discharges: Vec::new(),
            };
            self.retentions.insert(id, &kept);
            self.env().emit_event(Retained {
                id,
                relation_id,
                voucher,
                relation,
                epoch,
                signers: signers.to_vec(),
            });
            Ok(())
        }

        fn clear(
            &mut self,
            clearing_voucher: ClearingVoucher,
            now: u64,
            balances: &mut BTreeMap<(Member, Asset), SettlementBalance>,
        ) -> Result<()> {
            let (voucher, issuer) = (clearing_voucher.voucher, clearing_voucher.issuer);
            if now >= clearing_voucher.expires_at {
                return Err(Error::ClearingVoucherExpired(voucher));
            }
            let mut kept = self.retentions.get(voucher).ok_or(Error::UnknownVoucher(voucher))?;
            if kept.relation_id != clearing_voucher.relation {
                return Err(Error::WrongRelation(voucher));
            }
            if kept
                .discharges
                .iter()
                .any(|done| done.clearing_voucher.issuer == issuer)
            {
                return Err(Error::AlreadyCleared(voucher, issuer));
            }
            let owed = kept.relation.owed_by(issuer);
            if owed.is_empty() || owed != clearing_voucher.discharged {
                return Err(Error::DischargeMismatch(voucher));
            }
            self.ensure_sources(&clearing_voucher)?;

            for owed in &owed {
                let debtor = self.cached(owed.debtor, owed.asset, balances);
                debtor.reserved = debtor.reserved.checked_sub(owed.amount).ok_or(Error::Overflow)?;
                let creditor = self.cached(owed.creditor, owed.asset, balances);
                creditor.available = creditor.available.checked_add(owed.amount).ok_or(Error::Overflow)?;
                creditor.last_credit = Some(Source::Clearing(voucher));
            }
            let cleared_in = self.env().block_number();
            kept.discharges.push(Discharge {
                clearing_voucher: clearing_voucher.clone(),
                cleared_in,
            });
            self.retentions.insert(voucher, &kept);
            self.env().emit_event(Cleared {
                voucher,
                id: clearing_voucher.id(),
                clearing_voucher,
            });
            Ok(())
        }

        /// Each source is an earlier record that credited the issuer in an asset that it discharges now.
        fn ensure_sources(&self, clearing_voucher: &ClearingVoucher) -> Result<()> {
            let ClearingVoucher {
                issuer,
                discharged,
                sources,
                ..
            } = clearing_voucher;
            if sources.is_empty() || sources.len() > MAX_SOURCES {
                return Err(Error::SourceCount);
            }
            let moves = |asset: Asset| discharged.iter().any(|owed| owed.asset == asset);
            for source in sources {
                let credited = match source {
                    Source::Deposit(number) => self
                        .depositors
                        .get(number)
                        .is_some_and(|(member, asset)| member == *issuer && moves(asset)),
                    Source::Clearing(voucher) => self.retentions.get(voucher).is_some_and(|kept| {
                        let paid = kept
                            .discharges
                            .iter()
                            .flat_map(|done| done.clearing_voucher.discharged.iter());
                        paid.into_iter()
                            .any(|owed| owed.creditor == *issuer && moves(owed.asset))
                    }),
                };
                if !credited {
                    return Err(Error::BadSource(*source));
                }
            }
            Ok(())
        }

        /// The balance as this call has it: read once, written once, however many items touch it.
        fn cached<'a>(
            &self,
            member: Member,
            asset: Asset,
            balances: &'a mut BTreeMap<(Member, Asset), SettlementBalance>,
        ) -> &'a mut SettlementBalance {
            balances
                .entry((member, asset))
                .or_insert_with(|| self.balance(member, asset))
        }

        fn write(&mut self, balances: BTreeMap<(Member, Asset), SettlementBalance>) {
            for (key, balance) in balances {
                self.balances.insert(key, &balance);
            }
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
        fn look_up(&self, members: &[Member]) -> Result<SignerSet> {
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

    fn ensure_batch(length: usize) -> Result<()> {
        match length {
            0 => Err(Error::EmptyBatch),
            1..=MAX_BATCH => Ok(()),
            _ => Err(Error::BatchTooLarge),
        }
    }

    fn spend(member: Member, available: u128, needed: u128) -> Result<u128> {
        available.checked_sub(needed).ok_or(Error::InsufficientBalance {
            member,
            available,
            needed,
        })
    }
}
