//! What the notaries decide, and what else moves obligations on: windows, fees, caps, disputes.
use protocol::{
    clearing::{Current, Error},
    decisions::{Approval, Decision},
    disputes::{Claim, Dispute, Ruling},
    fees::FeeRule,
    settlement::{Asset, Voucher},
    signing::{self, Domain, MemberSignature, Purpose},
    windows::{Closing, Position},
    Member, VoucherId,
};
use scale::{Decode, Encode};

use crate::institutions::{account, key, sign, Network, EXPIRY, NOTARY, STRANGER};

impl Network {
    /// What counts up in the clearing contract.
    pub fn current(&mut self) -> Current {
        self.ask("current", ())
    }

    /// The notary's signature under the next decision.
    pub fn approval(&mut self, decision: &Decision) -> Approval {
        let number = self.current().decisions;
        self.approval_in(&self.domain(), decision, number, &[NOTARY])
    }

    pub fn approval_in(&self, domain: &Domain, decision: &Decision, number: u32, signers: &[Member]) -> Approval {
        let payload = signing::payload(domain, Purpose::Decision, &decision.digest(), EXPIRY, &number);
        let signed = |member: &Member| MemberSignature {
            member: *member,
            signature: sign(&key(*member), &payload),
        };
        Approval {
            number,
            epoch: domain.epoch,
            expires_at: EXPIRY,
            signatures: signers.iter().map(signed).collect(),
        }
    }

    /// Publishes a fee schedule, which [`Self::relation_of`] goes by from now on.
    pub fn set_fees(&mut self, rules: &[FeeRule]) -> Result<u32, Error> {
        let approval = self.approval(&Decision::SetFees(rules.to_vec()));
        let version = self.tell("set_fees", (rules, approval))?;
        self.schedules.push(rules.to_vec());
        Ok(version)
    }

    pub fn set_cap(&mut self, member: Member, cap: u128) -> Result<(), Error> {
        let asset = Asset::Native;
        let approval = self.approval(&Decision::SetCap { member, asset, cap });
        self.tell("set_cap", (member, asset, cap, approval))
    }

    pub fn close_window(&mut self, window: u32) -> Result<Closing, Error> {
        let approval = self.approval(&Decision::CloseWindow(window));
        self.tell("close_window", (window, approval))
    }

    pub fn settle_window(&mut self, window: u32) -> Result<Closing, Error> {
        self.tell("settle_window", window)
    }

    pub fn take_out(&mut self, window: u32, vouchers: &[Voucher]) -> Result<(), Error> {
        let approval = self.approval(&Decision::TakeOut {
            window,
            vouchers: vouchers.iter().map(Voucher::id).collect(),
        });
        self.tell("take_out", (window, vouchers, approval))
    }

    pub fn position(&mut self, window: u32, member: Member) -> Position {
        self.ask("position", (window, member, Asset::Native))
    }

    /// Contests a voucher's principal, as an institution.
    pub fn open_dispute(&mut self, member: Member, voucher: &Voucher, amount: u128) -> Result<(), Error> {
        let claim = Claim {
            obligation: 0,
            amount,
            evidence: [1; 32],
        };
        let args = (member, voucher, claim);
        self.chain
            .call(account(member), self.clearing, "open_dispute", args, 0)
            .output
    }

    /// Ends a dispute over a voucher's principal.
    pub fn rule(&mut self, voucher: VoucherId, ruling: Ruling) -> Result<(), Error> {
        let obligation = 0;
        let approval = self.approval(&Decision::Rule {
            voucher,
            obligation,
            ruling,
        });
        self.tell("rule", (voucher, obligation, ruling, approval))
    }

    /// Has an award over a voucher's principal paid, as far as it can be.
    pub fn pay_award(&mut self, voucher: VoucherId) -> Result<u128, Error> {
        self.tell("pay_award", (voucher, 0u8))
    }

    pub fn dispute(&mut self, voucher: VoucherId) -> Option<Dispute> {
        self.ask("dispute", (voucher, 0u8))
    }

    /// Sends the clearing contract a message that anybody may send.
    pub fn tell<T: Decode>(&mut self, message: &str, args: impl Encode) -> Result<T, Error> {
        self.ask(message, args)
    }

    fn ask<T: Decode>(&mut self, message: &str, args: impl Encode) -> T {
        self.chain
            .call(account(STRANGER), self.clearing, message, args, 0)
            .output
    }
}
