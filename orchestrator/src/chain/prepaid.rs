//! A card issuer's contract, as the system of prepaid cards sees it (S4.1 to S4.4).
use async_trait::async_trait;
use protocol::{
    prepaid::{
        Card, CardNumber, Constants, Dispute, Error, Float, Merchant, MerchantNumber, PaymentKey, PaymentLine,
        PaymentRecord, Programme, SignedPayment, Statement, Terminal, Verdict,
    },
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, Member, Timestamp,
};
use scale::{Decode, Encode, Output};
use tokio::sync::OnceCell;

use super::{
    bundle::{Bundle, BundleError},
    contracts::{CallError, Contract},
    deployment::{to_ss58, Deployment, DeploymentError},
    events::{decode, ContractEvents},
    health::{in_time, Check},
    ledger::{make_block, write},
    token, Chain, Follower, Submitter,
};
use crate::{
    prepaid::ports::{Act, Decided, LedgerError, PrepaidLedger},
    settlement::ports::Block,
};

/// The only event that is read here, as the contract names it.
const DECIDED: &str = "PaymentsDecided";

/// The contract can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ChainPrepaidError {
    /// The deployment lacks it, or is on another chain.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The bundle is of another version.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The prepaid contract of one issuer in one deployment, called by this institution's account.
pub struct ChainPrepaid {
    chain: Chain,
    follower: Follower,
    submitter: Submitter,
    deployment: Deployment,
    issuer: Member,
    prepaid: Contract,
    decided: ContractEvents<()>,
    /// They never change.
    constants: OnceCell<Constants>,
}

impl ChainPrepaid {
    /// The contract of the card issuer that has the index `issuer` in the chain's registry, whose metadata is in `bundle`;
    /// writes go through `submitter`, reads come from its account too.
    ///
    /// # Errors
    /// The deployment lacks the contract, or is on another chain; the bundle is of another version.
    pub fn new(
        chain: Chain,
        follower: Follower,
        submitter: Submitter,
        deployment: Deployment,
        issuer: Member,
        bundle: &Bundle,
    ) -> Result<Self, ChainPrepaidError> {
        deployment.ensure_on(chain.genesis())?;
        let address = deployment.prepaid_of(issuer)?.address;
        let prepaid = Contract::new(chain.clone(), follower.clone(), address, submitter.account());
        let decided = ContractEvents::new(chain.clone(), address, bundle, [(DECIDED, ())])?;
        Ok(Self {
            chain,
            follower,
            submitter,
            deployment,
            issuer,
            prepaid,
            decided,
            constants: OnceCell::new(),
        })
    }

    /// Of a message that answers with a `T`.
    async fn write<T: Decode>(
        &self,
        key: &str,
        message: &str,
        arguments: &Arguments,
        value: Amount,
    ) -> Result<Block, LedgerError> {
        let block = write::<T, Error>(&self.submitter, &self.prepaid, key, message, arguments, value).await?;
        // What is looked at next shows what was done.
        self.follower.reached(block.number).await;
        Ok(block)
    }

    /// What goes along with a call that pays in: native tokens; of a token the contract is allowed to take them.
    async fn pay_in(&self, key: &str, amount: Amount) -> Result<Amount, LedgerError> {
        let Asset::Psp22(token) = self.constants().await?.asset else {
            return Ok(amount);
        };
        let token = Contract::new(
            self.chain.clone(),
            self.follower.clone(),
            token,
            self.submitter.account(),
        );
        let key = format!("{key}/allowance");
        token::allow(&self.submitter, &key, &token, self.prepaid.address(), amount).await?;
        Ok(0)
    }

    /// What a finalized block tells of payments; `None` where it doesn't tell of each, or the node doesn't keep it.
    async fn verdicts(&self, number: u32, payments: &[SignedPayment]) -> Option<Vec<Verdict>> {
        let told = self.decided.of_blocks(number, number).await.ok()?;
        let mut lines = Vec::new();
        for emitted in told {
            lines.extend(decode::<Vec<PaymentLine>>(&emitted.data).ok()?);
        }
        payments.iter().map(|signed| verdict(signed, &lines)).collect()
    }

    /// Whether the contract is the one that the deployment says, of this issuer.
    async fn ours(&self) -> Result<String, String> {
        let registry = self.deployment.contract("registry");
        let registry = registry.map_err(|error| error.to_string())?.address;
        let found: Constants = self
            .prepaid
            .read("constants", &())
            .await
            .map_err(|error| error.to_string())?;
        let is_ours = (found.genesis, found.registry, found.issuer) == (self.chain.genesis(), registry, self.issuer);
        if is_ours {
            return Ok(format!("the contract of member {} by the registry there", self.issuer));
        }
        Err(format!(
            "{} is the contract of member {} by the registry {} on the chain {}",
            to_ss58(&self.prepaid.address()),
            found.issuer,
            to_ss58(&found.registry),
            to_hex(&found.genesis)
        ))
    }
}

/// A payment may be brought twice, even in one block: if it was taken once, that counts.
fn verdict(signed: &SignedPayment, lines: &[PaymentLine]) -> Option<Verdict> {
    let its = lines.iter().filter(|line| line.payment == signed.payment);
    let verdicts: Vec<Verdict> = its.map(|line| line.verdict).collect();
    let taken = verdicts
        .iter()
        .find(|verdict| matches!(verdict, Verdict::Approved { .. }));
    taken.or(verdicts.last()).copied()
}

/// A message's arguments, encoded one after the other.
struct Arguments(Vec<u8>);

impl Arguments {
    fn of(act: &Act) -> Self {
        Self(match act {
            Act::SetProgramme(programme) => programme.encode(),
            Act::RegisterMerchant {
                merchant,
                acquirer,
                account,
                rules,
            } => (merchant, acquirer, account, rules).encode(),
            Act::SwitchMerchant { merchant, is_active } => (merchant, is_active).encode(),
            Act::SetRules { merchant, rules } => (merchant, rules).encode(),
            Act::AddTerminal { merchant, terminal } => (merchant, terminal).encode(),
            Act::RevokeTerminal(terminal) => terminal.encode(),
            Act::IssueCard {
                card,
                key,
                holder,
                limits,
                expires_at,
            } => (card, key, holder, limits, expires_at).encode(),
            Act::SetLimits { card, limits } => (card, limits).encode(),
            Act::Freeze(card) | Act::Unfreeze(card) | Act::CloseCard(card) => card.encode(),
            Act::ReplaceCard { card, key } => (card, key).encode(),
            Act::TopUp {
                card,
                amount,
                reference,
            } => (card, amount, reference).encode(),
            Act::FundMerchant {
                merchant,
                amount,
                reference,
            } => (merchant, amount, reference).encode(),
            Act::Void { order, signature } => (order, signature).encode(),
            Act::Refund { order, signature } => (order, signature).encode(),
            Act::OpenDispute { order, signature } => (order, signature).encode(),
            Act::AnswerDispute { payment, answer } => (payment, answer).encode(),
            Act::DecideDispute { payment, awarded } => (payment, awarded).encode(),
            Act::DefaultDispute(payment) => payment.encode(),
            Act::CloseCycle { merchant, .. } => merchant.encode(),
        })
    }
}

impl Encode for Arguments {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        output.write(&self.0);
    }
}

#[async_trait]
impl PrepaidLedger for ChainPrepaid {
    fn issuer(&self) -> Member {
        self.issuer
    }

    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn contract(&self) -> AccountId {
        self.prepaid.address()
    }

    fn head(&self) -> (u32, Timestamp) {
        let head = self.follower.head();
        (head.number, head.timestamp)
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }

    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        make_block(&self.chain, &self.submitter, key).await
    }

    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        let hash = self.chain.block_hash(number).await?;
        Ok(Block { number, hash })
    }

    async fn check(&self) -> Check {
        Check::new("prepaid-contract", in_time(self.ours()).await)
    }

    async fn constants(&self) -> Result<Constants, LedgerError> {
        let read = || async { Ok::<_, LedgerError>(self.prepaid.read::<Constants>("constants", &()).await?) };
        Ok(*self.constants.get_or_try_init(read).await?)
    }

    async fn programme(&self) -> Result<Programme, LedgerError> {
        Ok(self.prepaid.read("programme", &()).await?)
    }

    async fn float(&self) -> Result<Float, LedgerError> {
        Ok(self.prepaid.read("float", &()).await?)
    }

    async fn cards(&self, numbers: &[CardNumber]) -> Result<Vec<Option<Card>>, LedgerError> {
        Ok(self.prepaid.try_read::<_, Error>("cards", &numbers).await?)
    }

    async fn merchants(&self, numbers: &[MerchantNumber]) -> Result<Vec<Option<Merchant>>, LedgerError> {
        Ok(self.prepaid.try_read::<_, Error>("merchants", &numbers).await?)
    }

    async fn terminals(&self, keys: &[AccountId]) -> Result<Vec<Option<Terminal>>, LedgerError> {
        Ok(self.prepaid.try_read::<_, Error>("terminals", &keys).await?)
    }

    async fn payments(&self, keys: &[PaymentKey]) -> Result<Vec<Option<PaymentRecord>>, LedgerError> {
        Ok(self.prepaid.try_read::<_, Error>("payments", &keys).await?)
    }

    async fn disputes(&self, keys: &[PaymentKey]) -> Result<Vec<Option<Dispute>>, LedgerError> {
        Ok(self.prepaid.try_read::<_, Error>("disputes", &keys).await?)
    }

    async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<Option<Statement>, LedgerError> {
        Ok(self.prepaid.read("statement", &(merchant, cycle)).await?)
    }

    async fn tried(&self, act: &Act) -> Result<Result<(), Error>, LedgerError> {
        let tried = self
            .prepaid
            .try_read::<(), Error>(act.message(), &Arguments::of(act))
            .await;
        match tried {
            Ok(()) => Ok(Ok(())),
            Err(CallError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error.into()),
        }
    }

    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let (message, arguments) = (act.message(), Arguments::of(act));
        match act {
            Act::TopUp { amount, .. } | Act::FundMerchant { amount, .. } => {
                let value = self.pay_in(key, *amount).await?;
                self.write::<()>(key, message, &arguments, value).await
            }
            Act::CloseCycle { .. } => self.write::<Statement>(key, message, &arguments, 0).await,
            _ => self.write::<()>(key, message, &arguments, 0).await,
        }
    }

    async fn pay(&self, key: &str, payments: &[SignedPayment]) -> Result<Decided, LedgerError> {
        let arguments = Arguments(payments.encode());
        let block = self.write::<Vec<Verdict>>(key, "pay_batch", &arguments, 0).await?;
        let verdicts = self.verdicts(block.number, payments).await;
        Ok(Decided { block, verdicts })
    }
}

#[cfg(test)]
mod tests {
    use protocol::{
        prepaid::{CardPayment, DeclineCode},
        Signature,
    };

    use super::*;

    fn signed(counter: u64) -> SignedPayment {
        SignedPayment {
            payment: CardPayment {
                card: CardNumber(7),
                counter,
                merchant: MerchantNumber(3),
                terminal: AccountId([4; 32]),
                amount: 100,
                least: 100,
                expires_at: 1_000,
            },
            card: Signature([1; 64]),
            terminal: Signature([2; 64]),
        }
    }

    #[test]
    fn a_payment_that_was_taken_once_in_a_block_was_taken() {
        let approved = Verdict::Approved {
            taken: 100,
            balance: 5,
            cycle: 0,
        };
        let line = |counter, verdict| PaymentLine {
            payment: signed(counter).payment,
            verdict,
        };
        let declined = Verdict::Declined(DeclineCode::CounterUsed);
        let lines = [
            line(1, declined),
            line(1, approved),
            line(1, declined),
            line(2, declined),
        ];
        assert_eq!(verdict(&signed(1), &lines), Some(approved));
        assert_eq!(verdict(&signed(2), &lines), Some(declined));
        assert_eq!(verdict(&signed(3), &lines), None);
    }

    #[test]
    fn arguments_follow_one_another() {
        let act = Act::AnswerDispute {
            payment: (CardNumber(7), 8),
            answer: [9; 32],
        };
        let expected = (CardNumber(7), 8u64, [9u8; 32]).encode();
        assert_eq!(Arguments::of(&act).encode(), expected);
        let cycle = Act::CloseCycle {
            merchant: MerchantNumber(3),
            cycle: 5,
        };
        assert_eq!(Arguments::of(&cycle).encode(), MerchantNumber(3).encode());
    }
}
