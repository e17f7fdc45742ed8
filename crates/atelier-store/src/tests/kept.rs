//! What is kept beside the flow: artifacts, plans, documents and contents.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Acceptance, Check, Component, ContextHints, Design, DevPlan, Digest, EventKind, Expect, Phase,
    PhaseOutline, RequirementItem, Stage, Step, TechnologyStack,
};

use super::{all_events, later, log, memory, noon, run, run_id};
use crate::{DocumentRow, Store, StoreError};

async fn store() -> Store {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    store.run_create(&run("r2")).await.unwrap();
    store
}

fn step(number: &str) -> Step {
    Step {
        number: number.to_owned(),
        title: format!("do {number}"),
        description: "precisely".to_owned(),
        why: "needed".to_owned(),
        requirements: vec!["R1".to_owned()],
        depends_on: vec!["1.1".to_owned()],
        inputs: vec!["a".to_owned()],
        outputs: vec!["b".to_owned(), "c".to_owned()],
        owns: vec!["d".to_owned()],
        protected: vec!["e".to_owned()],
        acceptance: vec![Acceptance {
            id: "A1".to_owned(),
            text: "it is there".to_owned(),
            requirements: vec!["R1".to_owned()],
            check: Check::File {
                path: "b".to_owned(),
                contains: Some("\u{fffd}\0 \"'".to_owned()),
            },
            expect: Expect::default(),
            timeout_seconds: Some(3),
            must_fail_before: true,
        }],
        context: ContextHints {
            files: vec!["f".to_owned()],
            symbols: vec!["g".to_owned()],
            documents: vec!["h".to_owned()],
        },
    }
}

fn phase(number: u32, steps: &[&str]) -> Phase {
    Phase {
        outline: PhaseOutline {
            number,
            title: format!("phase {number}"),
            description: "what exists at its end".to_owned(),
            requirements: vec!["R1".to_owned()],
            depends_on: vec![1],
        },
        steps: steps.iter().map(|number| step(number)).collect(),
    }
}

fn plan() -> DevPlan {
    let design = Design {
        name: "clock".to_owned(),
        summary: "tells the time".to_owned(),
        objectives: vec!["be right".to_owned()],
        requirements: vec![RequirementItem {
            id: "R1".to_owned(),
            text: "tells the time".to_owned(),
        }],
        technology_stack: TechnologyStack {
            language: "Rust".to_owned(),
            kind: "command-line".to_owned(),
            frameworks: Vec::new(),
            testing: "cargo".to_owned(),
        },
        architecture_overview: "one part".to_owned(),
        components: vec![Component {
            name: "clock".to_owned(),
            path: "src".to_owned(),
            purpose: "all".to_owned(),
            depends_on: Vec::new(),
        }],
        dependencies: vec!["jiff".to_owned()],
        challenges: vec!["leap seconds".to_owned()],
    };
    DevPlan {
        design,
        summary: "first this, then that".to_owned(),
        phases: vec![
            phase(2, &["2.10", "2.2"]),
            phase(1, &[]),
            phase(7, &["7.1"]),
        ],
    }
}

#[tokio::test]
async fn a_plan_comes_back_as_it_was_put_and_belongs_to_its_run() {
    let store = store().await;
    store
        .plan_put(&run_id("r1"), &plan(), noon())
        .await
        .unwrap();
    assert_eq!(store.plan_fetch(&run_id("r1")).await.unwrap(), Some(plan()));
    assert_eq!(store.plan_fetch(&run_id("r2")).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_plan_replaces_the_old_one() {
    let store = store().await;
    store
        .plan_put(&run_id("r1"), &plan(), noon())
        .await
        .unwrap();
    store
        .plan_put(&run_id("r2"), &plan(), noon())
        .await
        .unwrap();
    let shorter = DevPlan {
        phases: vec![phase(1, &["1.1"])],
        ..plan()
    };
    store
        .plan_put(&run_id("r1"), &shorter, later(1))
        .await
        .unwrap();
    assert_eq!(
        store.plan_fetch(&run_id("r1")).await.unwrap(),
        Some(shorter)
    );
    assert_eq!(store.plan_fetch(&run_id("r2")).await.unwrap(), Some(plan()));
    let homeless = store.plan_put(&run_id("r9"), &plan(), noon()).await;
    assert!(matches!(homeless, Err(StoreError::Missing { .. })));
}

#[tokio::test]
async fn a_stage_is_finished_once_for_each_content() {
    let store = store().await;
    let run = run_id("r1");
    let put = async |name: &str, content: &str| {
        let bytes = content.as_bytes();
        let stage = Stage::Detail;
        store
            .artifact_put(&run, stage, name, bytes, "one line", Some(3), noon())
            .await
    };
    let digest = put("detail-3", "steps").await.unwrap();
    assert_eq!(digest, Digest::of("steps"));
    assert_eq!(put("detail-3", "steps").await.unwrap(), digest);
    put("detail-4", "steps").await.unwrap();
    put("detail-3", "other steps").await.unwrap();
    let fetch =
        async |stage: Stage, name: &str| store.artifact_fetch(&run, stage, name).await.unwrap();
    assert_eq!(
        fetch(Stage::Detail, "detail-3").await.unwrap(),
        b"other steps"
    );
    assert_eq!(fetch(Stage::Detail, "detail-4").await.unwrap(), b"steps");
    assert_eq!(fetch(Stage::Plan, "detail-3").await, None);
    let events = all_events(&store).await;
    let finished = EventKind::StageFinished {
        stage: Stage::Detail,
        phase: Some(3),
        artifact: digest,
        summary: "one line".to_owned(),
    };
    assert_eq!(events.len(), 5);
    assert_eq!(events[2].kind, finished);
}

#[tokio::test]
async fn a_document_is_written_once_for_each_content() {
    let store = store().await;
    let put = async |run: &str, path: &str, content: &str, millis: i64| {
        let digest = Digest::of(content);
        store
            .documents_put(&run_id(run), &[(path, "guide", digest)], later(millis))
            .await
            .unwrap();
    };
    put("r1", "docs/B.md", "b", 1).await;
    put("r1", "docs/A.md", "a", 2).await;
    put("r2", "docs/B.md", "b", 3).await;
    put("r2", "docs/A.md", "changed", 4).await;
    let row = |path: &str, content: &str, run: &str, millis: i64| DocumentRow {
        path: path.to_owned(),
        kind: "guide".to_owned(),
        digest: Digest::of(content),
        run: run_id(run),
        at: later(millis),
    };
    assert_eq!(
        store.document_list().await.unwrap(),
        [
            row("docs/A.md", "changed", "r2", 4),
            row("docs/B.md", "b", "r1", 1)
        ]
    );
    assert_eq!(log(&store).await[2..], ["document.written"; 3]);
}

#[tokio::test]
async fn contents_are_kept_once_and_byte_for_byte() {
    let store = store().await;
    for content in [&b""[..], b"text", b"\0\xff\r\n"] {
        let digest = store.blob_put(content).await.unwrap();
        assert_eq!(store.blob_put(content).await.unwrap(), digest);
        assert_eq!(
            store.blob_fetch(&digest).await.unwrap().as_deref(),
            Some(content)
        );
    }
    assert_eq!(store.blob_fetch(&Digest::of("?")).await.unwrap(), None);
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM blobs")
        .fetch_one(store.readers())
        .await
        .unwrap();
    assert_eq!(kept, 3);
}

#[tokio::test]
async fn damaged_content_is_reported_and_never_returned() {
    let store = store().await;
    let digest = store.blob_put(b"reply").await.unwrap();
    sqlx::query("UPDATE blobs SET data = x'00'")
        .execute(store.writer())
        .await
        .unwrap();
    let found = store.blob_fetch(&digest).await;
    assert!(
        matches!(found, Err(StoreError::Corrupt { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn content_beyond_the_limit_is_refused_by_name() {
    let store = store().await;
    let max = 64 * 1024 * 1024;
    let error = store.blob_put(&vec![0; max + 1]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "store a content of 67108865 bytes: at most 67108864 are kept"
    );
}
