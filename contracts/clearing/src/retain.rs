//! Retention: co-signed vouchers are kept, and what follows from them is set aside or netted (S0.7, S0.8).
use ink::{
    env::DefaultEnvironment,
    prelude::{collections::BTreeMap, vec::Vec},
};
use protocol::{
    clearing::{Batch, Error, Kept, Retained as RetainedVoucher},
    fees::FeeRule,
    settlement::{Relation, RetentionBatch, Settlement, TransactionKind, Voucher},
    signing::{self, MemberSignature},
    Member, RelationId, VoucherId,
};

use crate::{
    clearing::{Clearing, Retained},
    records::{Balances, Pages},
    signatures,
    windows::Netting,
    Result,
};

/// The vouchers of one event: events have 16 KiB at most, a voucher with its ids less than 300 bytes.
const EVENT_VOUCHERS: usize = 48;

impl Clearing {
    /// Keeps the vouchers of a batch: all of them or none.
    pub(crate) fn retain(&mut self, batch: RetentionBatch, signatures: &[MemberSignature]) -> Result<u32> {
        let pairs = self.pairs(&batch)?;
        let signers = signing::members(signatures);
        let set = self.look_up(&signers)?;
        let contract = ink::env::account_id::<DefaultEnvironment>();
        signatures::ensure_retention(self.genesis, contract, &batch, &pairs, signatures, &set)?;

        let now = ink::env::block_timestamp::<DefaultEnvironment>();
        let number = self.batches;
        self.batches = number.checked_add(1).ok_or(Error::Overflow)?;
        let common = Batch {
            drawn_at: batch.drawn_at,
            retained_at: now,
            retained_in: ink::env::block_number::<DefaultEnvironment>(),
            window: self.open_window,
        };
        self.batch.insert(number, &common);

        let mut schedules = Schedules::default();
        let (mut balances, mut pages, mut netting) = (Balances::default(), Pages::default(), Netting::default());
        let mut refunded = batch.refunded.iter();
        for (voucher, (id, _)) in batch.vouchers.iter().zip(&pairs) {
            ensure_acceptable(voucher, *id, now)?;
            let kept = Kept {
                slot: 0,
                voucher: *id,
                batch: number,
                settlement: voucher.settlement,
                taken_out: false,
            };
            pages.keep(self, voucher, kept)?;
            if let TransactionKind::Refund(original) = voucher.kind {
                self.give_back(voucher, original, refunded.next())?;
            }
            let schedule = schedules.of(self, voucher.fees)?;
            let obligations = Relation::obligations_of(voucher, schedule).ok_or(Error::Overflow)?;
            match voucher.settlement {
                Settlement::Gross => {
                    for owed in &obligations {
                        balances.spend(self, owed.debtor, owed.asset, owed.amount)?;
                        let balance = balances.of(self, owed.debtor, owed.asset);
                        balance.reserved = balance.reserved.checked_add(owed.amount).ok_or(Error::Overflow)?;
                    }
                }
                Settlement::Net => netting.add(self, &obligations)?,
            }
        }
        if let Some(stray) = refunded.next() {
            return Err(Error::RefundMismatch(stray.id()));
        }
        netting.ensure_within_caps(self, &mut balances)?;
        netting.write(self)?;
        pages.write(self);
        balances.write(self);
        self.tell_of(batch, pairs, number, set.epoch, &signers);
        Ok(number)
    }

    /// The (voucher, relation) pairs that the members signed.
    fn pairs(&self, batch: &RetentionBatch) -> Result<Vec<(VoucherId, RelationId)>> {
        let mut schedules = Schedules::default();
        let mut pairs = Vec::with_capacity(batch.vouchers.len());
        for voucher in &batch.vouchers {
            let schedule = schedules.of(self, voucher.fees)?;
            let relation = Relation::of(voucher, schedule, batch.drawn_at).ok_or(Error::Overflow)?;
            pairs.push((relation.voucher, relation.id()));
        }
        Ok(pairs)
    }

    /// A refund gives back no more than is left of what was paid, after refunds and rulings.
    fn give_back(&mut self, refund: &Voucher, named: VoucherId, original: Option<&Voucher>) -> Result<()> {
        let mismatch = Error::RefundMismatch(refund.id());
        let original = original
            .filter(|original| original.id() == named)
            .ok_or(mismatch.clone())?;
        let same = original.originator == refund.originator
            && original.home == refund.home
            && original.user == refund.user
            && original.wallet == refund.wallet
            && original.asset == refund.asset;
        let paid = original.principal();
        let back = refund.principal();
        if !same || paid.debtor != back.creditor || paid.creditor != back.debtor || self.kept(original).is_none() {
            return Err(mismatch);
        }
        self.take_back(named, 0, paid.amount, refund.amount)
    }

    /// Counts what goes back of an obligation. The one place where refunds and rulings meet.
    pub(crate) fn take_back(&mut self, voucher: VoucherId, obligation: u8, paid: u128, amount: u128) -> Result<()> {
        let returned = self.returned(voucher, obligation);
        let left = paid.checked_sub(returned).ok_or(Error::Overflow)?;
        if amount > left {
            return Err(Error::AbovePaid { voucher, left });
        }
        let sum = returned.checked_add(amount).ok_or(Error::Overflow)?;
        self.returned.insert((voucher, obligation), &sum);
        Ok(())
    }

    fn tell_of(
        &self,
        batch: RetentionBatch,
        pairs: Vec<(VoucherId, RelationId)>,
        number: u32,
        epoch: u32,
        signers: &[Member],
    ) {
        let retained = |(voucher, (id, relation))| RetainedVoucher { id, relation, voucher };
        let mut vouchers = batch.vouchers.into_iter().zip(pairs).map(retained);
        loop {
            let some: Vec<RetainedVoucher> = vouchers.by_ref().take(EVENT_VOUCHERS).collect();
            if some.is_empty() {
                return;
            }
            ink::env::emit_event::<DefaultEnvironment, _>(Retained {
                batch: number,
                drawn_at: batch.drawn_at,
                window: self.open_window,
                epoch,
                signers: signers.to_vec(),
                vouchers: some,
            });
        }
    }
}

/// Fee schedules as this call has read them.
#[derive(Default)]
struct Schedules(BTreeMap<u32, Vec<FeeRule>>);

impl Schedules {
    fn of(&mut self, contract: &Clearing, version: u32) -> Result<&[FeeRule]> {
        if let ink::prelude::collections::btree_map::Entry::Vacant(place) = self.0.entry(version) {
            place.insert(contract.schedule(version)?);
        }
        Ok(self.0.get(&version).map_or(&[], Vec::as_slice))
    }
}

fn ensure_acceptable(voucher: &Voucher, id: VoucherId, now: u64) -> Result<()> {
    voucher.check().map_err(|fault| Error::BadVoucher(id, fault))?;
    if now >= voucher.expires_at {
        return Err(Error::VoucherExpired(id));
    }
    Ok(())
}
