//! The message's elements, as far as they are of use, each in the order of the schema.
use serde::Serialize;

use super::Currency;

#[derive(Serialize)]
pub(super) struct Document {
    #[serde(rename = "@xmlns")]
    pub(super) namespace: &'static str,
    #[serde(rename = "BkToCstmrStmt")]
    pub(super) message: Message,
}

#[derive(Serialize)]
pub(super) struct Message {
    #[serde(rename = "GrpHdr")]
    pub(super) header: Header,
    #[serde(rename = "Stmt")]
    pub(super) statement: Report,
}

#[derive(Serialize)]
pub(super) struct Header {
    #[serde(rename = "MsgId")]
    pub(super) id: String,
    #[serde(rename = "CreDtTm")]
    pub(super) created: String,
}

#[derive(Serialize)]
pub(super) struct Report {
    #[serde(rename = "Id")]
    pub(super) id: String,
    #[serde(rename = "ElctrncSeqNb")]
    pub(super) number: u32,
    #[serde(rename = "CreDtTm")]
    pub(super) created: String,
    #[serde(rename = "FrToDt")]
    pub(super) period: Period,
    #[serde(rename = "Acct")]
    pub(super) account: Account,
    #[serde(rename = "Bal")]
    pub(super) balances: Vec<Balance>,
    #[serde(rename = "TxsSummry")]
    pub(super) summary: Summary,
    #[serde(rename = "Ntry")]
    pub(super) entries: Vec<Entry>,
}

#[derive(Serialize)]
pub(super) struct Period {
    #[serde(rename = "FrDtTm")]
    pub(super) from: String,
    #[serde(rename = "ToDtTm")]
    pub(super) to: String,
}

#[derive(Serialize)]
pub(super) struct Account {
    #[serde(rename = "Id")]
    pub(super) id: Id,
    #[serde(rename = "Ccy")]
    pub(super) currency: Currency,
    #[serde(rename = "Nm")]
    pub(super) name: String,
}

#[derive(Serialize)]
pub(super) struct Id {
    #[serde(rename = "Othr")]
    pub(super) other: Other,
}

#[derive(Serialize)]
pub(super) struct Other {
    #[serde(rename = "Id")]
    pub(super) id: String,
}

#[derive(Serialize)]
pub(super) struct Balance {
    #[serde(rename = "Tp")]
    pub(super) kind: BalanceKind,
    #[serde(rename = "Amt")]
    pub(super) amount: CurrencyAmount,
    #[serde(rename = "CdtDbtInd")]
    pub(super) side: &'static str,
    #[serde(rename = "Dt")]
    pub(super) date: Moment,
}

#[derive(Serialize)]
pub(super) struct BalanceKind {
    #[serde(rename = "CdOrPrtry")]
    pub(super) kind: Choice,
}

#[derive(Serialize)]
pub(super) struct Choice {
    #[serde(rename = "Cd", skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    #[serde(rename = "Prtry", skip_serializing_if = "Option::is_none")]
    pub(super) proprietary: Option<&'static str>,
}

#[derive(Clone, Serialize)]
pub(super) struct CurrencyAmount {
    #[serde(rename = "@Ccy")]
    pub(super) currency: Currency,
    #[serde(rename = "$text")]
    pub(super) value: String,
}

#[derive(Clone, Serialize)]
pub(super) struct Moment {
    #[serde(rename = "DtTm")]
    pub(super) at: String,
}

#[derive(Serialize)]
pub(super) struct Summary {
    #[serde(rename = "TtlNtries")]
    pub(super) all: CountedAll,
    #[serde(rename = "TtlCdtNtries")]
    pub(super) credits: Counted,
    #[serde(rename = "TtlDbtNtries")]
    pub(super) debits: Counted,
    #[serde(rename = "TtlNtriesPerBkTxCd")]
    pub(super) kinds: Vec<CountedKind>,
}

#[derive(Serialize)]
pub(super) struct CountedAll {
    #[serde(rename = "NbOfNtries")]
    pub(super) count: usize,
    #[serde(rename = "Sum")]
    pub(super) sum: String,
    #[serde(rename = "TtlNetNtry")]
    pub(super) net: Net,
}

#[derive(Serialize)]
pub(super) struct Net {
    #[serde(rename = "Amt")]
    pub(super) amount: String,
    #[serde(rename = "CdtDbtInd")]
    pub(super) side: &'static str,
}

#[derive(Serialize)]
pub(super) struct Counted {
    #[serde(rename = "NbOfNtries")]
    pub(super) count: usize,
    #[serde(rename = "Sum")]
    pub(super) sum: String,
}

#[derive(Serialize)]
pub(super) struct CountedKind {
    #[serde(rename = "NbOfNtries")]
    pub(super) count: usize,
    #[serde(rename = "Sum")]
    pub(super) sum: String,
    #[serde(rename = "BkTxCd")]
    pub(super) code: TransactionCode,
}

#[derive(Serialize)]
pub(super) struct Entry {
    #[serde(rename = "NtryRef")]
    pub(super) reference: String,
    #[serde(rename = "Amt")]
    pub(super) amount: CurrencyAmount,
    #[serde(rename = "CdtDbtInd")]
    pub(super) side: &'static str,
    #[serde(rename = "RvslInd", skip_serializing_if = "Option::is_none")]
    pub(super) reverses: Option<bool>,
    #[serde(rename = "Sts")]
    pub(super) status: Choice,
    #[serde(rename = "BookgDt")]
    pub(super) booked: Moment,
    #[serde(rename = "ValDt")]
    pub(super) value: Moment,
    #[serde(rename = "BkTxCd")]
    pub(super) code: TransactionCode,
    #[serde(rename = "NtryDtls", skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<Details>,
    #[serde(rename = "AddtlNtryInf")]
    pub(super) about: String,
}

#[derive(Serialize)]
pub(super) struct TransactionCode {
    #[serde(rename = "Prtry")]
    pub(super) proprietary: ProprietaryCode,
}

#[derive(Serialize)]
pub(super) struct ProprietaryCode {
    #[serde(rename = "Cd")]
    pub(super) code: String,
    #[serde(rename = "Issr")]
    pub(super) issuer: &'static str,
}

#[derive(Serialize)]
pub(super) struct Details {
    #[serde(rename = "TxDtls")]
    pub(super) transaction: Transaction,
}

#[derive(Serialize)]
pub(super) struct Transaction {
    #[serde(rename = "Refs")]
    pub(super) references: References,
    #[serde(rename = "Amt")]
    pub(super) amount: CurrencyAmount,
    #[serde(rename = "CdtDbtInd")]
    pub(super) side: &'static str,
    #[serde(rename = "RmtInf")]
    pub(super) remittance: Remittance,
}

#[derive(Serialize)]
pub(super) struct References {
    #[serde(rename = "EndToEndId")]
    pub(super) end_to_end: String,
    #[serde(rename = "TxId", skip_serializing_if = "Option::is_none")]
    pub(super) transaction: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Remittance {
    #[serde(rename = "Ustrd")]
    pub(super) text: String,
}
