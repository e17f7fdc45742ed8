//! The schema as the migrations leave it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use super::memory;

#[tokio::test]
async fn the_schema_is_the_one_on_record() {
    let store = memory().await;
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'
         ORDER BY name",
    )
    .fetch_all(store.readers())
    .await
    .unwrap();
    let mut text = String::new();
    for (table,) in tables {
        let columns: Vec<(String, String, bool, i64)> = sqlx::query_as(
            "SELECT name, type, \"notnull\", pk FROM pragma_table_info($1) ORDER BY cid",
        )
        .bind(&table)
        .fetch_all(store.readers())
        .await
        .unwrap();
        writeln!(text, "{table}").unwrap();
        for (name, kind, required, key) in columns {
            let required = if required { "" } else { " or nothing" };
            let key = if key > 0 {
                format!(" key {key}")
            } else {
                String::new()
            };
            writeln!(text, "  {name} {kind}{required}{key}").unwrap();
        }
    }
    let rest: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT type, name, tbl_name FROM sqlite_schema
         WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type, name",
    )
    .fetch_all(store.readers())
    .await
    .unwrap();
    for (kind, name, table) in rest {
        writeln!(text, "{kind} {name} on {table}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn every_reference_between_tables_holds_by_itself() {
    let store = memory().await;
    let broken: Vec<(String,)> = sqlx::query_as("SELECT \"table\" FROM pragma_foreign_key_check")
        .fetch_all(store.readers())
        .await
        .unwrap();
    assert!(broken.is_empty());
    let enforced: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(store.writer())
        .await
        .unwrap();
    assert_eq!(enforced, 1);
}
