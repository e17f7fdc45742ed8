//! Questions that may be answered again in other words, and what was learnt of such answers.

use atelier_model::{AskRecord, Digest, MicroUsd, Reply, Timestamp};

use crate::{
    Store, StoreError, column,
    queries::{asks::ask_hit_in_txn, blobs::blob_put_in_txn},
};

/// A question whose answer is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticQuestion {
    /// Key of the answer.
    pub key: Digest,
    /// The question.
    pub question: String,
    /// When it was kept.
    pub at: Timestamp,
}

/// One comparison of a kept answer with one that was asked for anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SemanticCheck {
    /// Key of the kept answer.
    pub key: Digest,
    /// Key of the answer that was asked for.
    pub asked: Digest,
    /// Whether the questions mean the same word for word.
    pub is_same: bool,
    /// How similar they are, 0 to 1.
    pub similarity: f32,
    /// Whether the answers agreed.
    pub agreed: bool,
}

/// What answers to questions in other words came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SemanticTotals {
    /// Questions that are kept.
    pub questions: u64,
    /// Asks that were answered so.
    pub hits: u64,
    /// What they would have cost.
    pub saved: MicroUsd,
    /// Comparisons with an answer that was asked for anyway.
    pub checks: u64,
    /// Of these, those in which the answers did not agree.
    pub disagreed: u64,
}

/// Keys of the kept answer and of the other, whether the same was asked, how similar that is, and
/// whether they agreed.
type CheckRow = (Vec<u8>, Vec<u8>, bool, i64, bool);

/// Steps in which similarities are stored.
const MILLION: f32 = 1_000_000.0;

impl Store {
    /// The newest questions of a scope, the oldest of them first.
    pub async fn semantic_list(
        &self,
        scope: &Digest,
        since: Timestamp,
        count_max: usize,
    ) -> Result<Vec<SemanticQuestion>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT ask_key, question, created_at FROM semantic_questions
             WHERE scope = $1 AND created_at >= $2 ORDER BY created_at DESC, ask_key LIMIT $3",
        )
        .bind(column::bytes(scope))
        .bind(since.millis())
        .bind(column::count(count_max as u64))
        .fetch_all(self.readers())
        .await?;
        let mut questions = Vec::with_capacity(rows.len());
        for (key, question, at) in rows.into_iter().rev() {
            let digest = column::digest(&question, "the question of a kept answer")?;
            let text = self.blob_fetch(&digest).await?;
            // One that cannot be read is no question that anybody can ask again.
            let Some(question) = text.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                continue;
            };
            questions.push(SemanticQuestion {
                key: column::digest(&key, "the key of a kept answer")?,
                question,
                at: column::at(at),
            });
        }
        Ok(questions)
    }

    /// Keeps a question of a scope. The oldest leave where there are too many.
    pub async fn semantic_put(
        &self,
        scope: &Digest,
        question: &SemanticQuestion,
        count_max: usize,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let digest = blob_put_in_txn(&mut write, question.question.as_bytes()).await?;
        sqlx::query(
            "INSERT INTO semantic_questions (ask_key, scope, question, created_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (ask_key) DO NOTHING",
        )
        .bind(column::bytes(&question.key))
        .bind(column::bytes(scope))
        .bind(column::bytes(&digest))
        .bind(question.at.millis())
        .execute(write.connection())
        .await?;
        sqlx::query(
            "DELETE FROM semantic_questions WHERE ask_key IN (
                 SELECT ask_key FROM semantic_questions ORDER BY created_at DESC, ask_key
                 LIMIT -1 OFFSET $1)",
        )
        .bind(column::count(count_max as u64))
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// Forgets a question, whose answer is gone or has proved wrong.
    pub async fn semantic_forget(&self, key: &Digest) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM semantic_questions WHERE ask_key = $1")
            .bind(column::bytes(key))
            .execute(write.connection())
            .await?;
        self.commit(write).await
    }

    /// The newest comparisons of a scope.
    pub async fn semantic_check_list(
        &self,
        scope: &Digest,
        count_max: usize,
    ) -> Result<Vec<SemanticCheck>, StoreError> {
        let rows: Vec<CheckRow> = sqlx::query_as(
            "SELECT ask_key, id, same, similarity, agreed FROM semantic_checks WHERE scope = $1
             ORDER BY at DESC, id LIMIT $2",
        )
        .bind(column::bytes(scope))
        .bind(column::count(count_max as u64))
        .fetch_all(self.readers())
        .await?;
        let check = |(key, asked, is_same, similarity, agreed): CheckRow| {
            Ok(SemanticCheck {
                key: column::digest(&key, "the key of a kept answer")?,
                asked: column::digest(&asked, "the key of an answer that was asked for")?,
                is_same,
                similarity: from_millionths(similarity),
                agreed,
            })
        };
        rows.into_iter().map(check).collect()
    }

    /// Keeps a comparison.
    pub async fn semantic_check_put(
        &self,
        scope: &Digest,
        check: &SemanticCheck,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO semantic_checks (id, scope, ask_key, same, similarity, agreed, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        )
        .bind(column::bytes(&check.asked))
        .bind(column::bytes(scope))
        .bind(column::bytes(&check.key))
        .bind(i64::from(check.is_same))
        .bind(millionths(check.similarity))
        .bind(i64::from(check.agreed))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// Puts an ask on record that was answered with the reply to one in other words. Returns what
    /// that saved.
    pub async fn semantic_hit(
        &self,
        record: &AskRecord,
        reply: &Reply,
        similarity: f32,
        at: Timestamp,
    ) -> Result<MicroUsd, StoreError> {
        let mut write = self.write().await?;
        let cost: Option<i64> = sqlx::query_scalar("SELECT cost FROM replies WHERE ask_key = $1")
            .bind(column::bytes(&reply.key))
            .fetch_optional(write.connection())
            .await?;
        let saved = column::from_money(cost.unwrap_or(0));
        ask_hit_in_txn(&mut write, record, reply, at).await?;
        sqlx::query(
            "INSERT INTO semantic_hits (ask_id, ask_key, similarity, saved)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(record.id.as_str())
        .bind(column::bytes(&reply.key))
        .bind(millionths(similarity))
        .bind(column::money(saved))
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(saved)
    }

    /// What the answers to questions in other words came to.
    pub async fn semantic_totals(&self) -> Result<SemanticTotals, StoreError> {
        let row: (i64, i64, i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM semantic_questions),
                 (SELECT COUNT(*) FROM semantic_hits),
                 (SELECT CAST(COALESCE(SUM(saved), 0) AS BIGINT) FROM semantic_hits),
                 (SELECT COUNT(*) FROM semantic_checks),
                 (SELECT COUNT(*) FROM semantic_checks WHERE agreed = 0)",
        )
        .fetch_one(self.readers())
        .await?;
        let (questions, hits, saved, checks, disagreed) = row;
        Ok(SemanticTotals {
            questions: column::from_count(questions),
            hits: column::from_count(hits),
            saved: column::from_money(saved),
            checks: column::from_count(checks),
            disagreed: column::from_count(disagreed),
        })
    }
}

fn millionths(similarity: f32) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a similarity is between -1 and 1, and what is no number becomes zero"
    )]
    let millionths = (similarity * MILLION).round() as i64;
    millionths
}

fn from_millionths(millionths: i64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "it is at most a million")]
    let similarity = millionths as f32 / MILLION;
    similarity
}
