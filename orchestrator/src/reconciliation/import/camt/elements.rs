//! The elements of camt.053 that books need, by their names there; others are passed over.
use serde::Deserialize;

/// `Ntry`.
#[derive(Deserialize)]
pub struct Entry {
    #[serde(rename = "NtryRef")]
    pub reference: Option<String>,
    #[serde(rename = "Amt")]
    pub amount: Money,
    #[serde(rename = "CdtDbtInd")]
    pub direction: String,
    #[serde(rename = "RvslInd")]
    pub reverses: Option<String>,
    #[serde(rename = "Sts")]
    pub status: Option<Status>,
    #[serde(rename = "BookgDt")]
    pub booked: Option<When>,
    #[serde(rename = "AcctSvcrRef")]
    pub servicer: Option<String>,
    #[serde(rename = "NtryDtls", default)]
    pub details: Vec<Details>,
}

/// An amount and its currency.
#[derive(Deserialize)]
pub struct Money {
    #[serde(rename = "@Ccy")]
    pub currency: String,
    #[serde(rename = "$text", default)]
    pub value: String,
}

/// `Sts`: text in older versions, a choice in newer ones.
#[derive(Deserialize)]
pub struct Status {
    #[serde(rename = "$text")]
    text: Option<String>,
    #[serde(rename = "Cd")]
    code: Option<String>,
}

impl Status {
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref().or(self.text.as_deref()).map(str::trim)
    }
}

/// A day, or a moment.
#[derive(Deserialize)]
pub struct When {
    #[serde(rename = "Dt")]
    pub date: Option<String>,
    #[serde(rename = "DtTm")]
    pub moment: Option<String>,
}

/// `NtryDtls`.
#[derive(Deserialize)]
pub struct Details {
    #[serde(rename = "Btch")]
    batch: Option<Batch>,
    #[serde(rename = "TxDtls", default)]
    pub transactions: Vec<Transaction>,
}

impl Details {
    /// What the entry is one batch under.
    pub fn batch_id(&self) -> Option<&str> {
        let batch = self.batch.as_ref()?;
        let id = batch.payment.as_deref().or(batch.message.as_deref())?.trim();
        (!id.is_empty()).then_some(id)
    }
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "MsgId")]
    message: Option<String>,
    #[serde(rename = "PmtInfId")]
    payment: Option<String>,
}

/// `TxDtls`.
#[derive(Deserialize)]
pub struct Transaction {
    #[serde(rename = "Refs")]
    pub references: Option<References>,
    #[serde(rename = "Amt")]
    amount: Option<Money>,
    #[serde(rename = "AmtDtls")]
    amounts: Option<Amounts>,
    #[serde(rename = "RltdPties")]
    pub parties: Option<Parties>,
    #[serde(rename = "RmtInf")]
    pub remittance: Option<Remittance>,
    #[serde(rename = "RltdDts")]
    dates: Option<Dates>,
}

impl Transaction {
    /// Its own amount, if it says one.
    pub fn money(&self) -> Option<&Money> {
        let told = || Some(&self.amounts.as_ref()?.transaction.as_ref()?.amount);
        self.amount.as_ref().or_else(told)
    }

    /// When it was made, if it says so.
    pub fn time(&self) -> Option<&str> {
        let dates = self.dates.as_ref()?;
        dates.accepted.as_deref().or(dates.made.as_deref())
    }
}

/// `Refs`.
#[derive(Deserialize)]
pub struct References {
    #[serde(rename = "EndToEndId")]
    pub end_to_end: Option<String>,
    #[serde(rename = "TxId")]
    pub transaction: Option<String>,
    #[serde(rename = "AcctSvcrRef")]
    pub servicer: Option<String>,
}

#[derive(Deserialize)]
struct Amounts {
    #[serde(rename = "TxAmt")]
    transaction: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "Amt")]
    amount: Money,
}

/// `RltdPties`.
#[derive(Deserialize)]
pub struct Parties {
    #[serde(rename = "Dbtr")]
    pub debtor: Option<Party>,
}

/// A party; in newer versions one step further in.
#[derive(Deserialize)]
pub struct Party {
    #[serde(rename = "Id")]
    id: Option<PartyId>,
    #[serde(rename = "Pty")]
    inner: Option<Box<Party>>,
}

impl Party {
    /// The number that it is known by.
    pub fn other_id(&self) -> Option<&str> {
        if let Some(inner) = &self.inner {
            return inner.other_id();
        }
        let id = self.id.as_ref()?;
        let known = id.person.as_ref().or(id.organisation.as_ref())?;
        known.others.first().map(|other| other.id.as_str())
    }
}

#[derive(Deserialize)]
struct PartyId {
    #[serde(rename = "PrvtId")]
    person: Option<Known>,
    #[serde(rename = "OrgId")]
    organisation: Option<Known>,
}

#[derive(Deserialize)]
struct Known {
    #[serde(rename = "Othr", default)]
    others: Vec<Other>,
}

#[derive(Deserialize)]
struct Other {
    #[serde(rename = "Id")]
    id: String,
}

/// `RmtInf`.
#[derive(Deserialize)]
pub struct Remittance {
    #[serde(rename = "Ustrd", default)]
    pub texts: Vec<String>,
}

#[derive(Deserialize)]
struct Dates {
    #[serde(rename = "AccptncDtTm")]
    accepted: Option<String>,
    #[serde(rename = "TxDtTm")]
    made: Option<String>,
}
