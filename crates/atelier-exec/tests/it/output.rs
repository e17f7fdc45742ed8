//! Output, input and services.

use std::sync::atomic::{AtomicU64, Ordering};

use atelier_exec::Exit;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, until};

#[tokio::test]
async fn both_streams_come_in_the_order_they_were_written() {
    let bench = Bench::new();
    let command = bench.shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done");
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.output, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
    assert!(!report.truncated);
}

#[tokio::test]
async fn a_flood_of_output_is_drained_and_kept_within_its_limit() {
    const FLOOD: u64 = 100 * 1024 * 1024;
    let bench = Bench::new();
    let mut command = bench.shell(&format!("head -c {FLOOD} /dev/zero | tr '\\0' x; echo end"));
    command.output_bytes_max = 4096;
    let seen = AtomicU64::new(0);
    let count = |bytes: &[u8]| {
        seen.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    };
    let report = bench
        .sandbox
        .run(&command, &CancellationToken::new(), Some(&count))
        .await
        .unwrap();
    assert_eq!(seen.into_inner(), FLOOD + 4);
    assert!(report.truncated);
    let expected = format!(
        "{}\n[... {} bytes left out ...]\n{}end\n",
        "x".repeat(2048),
        FLOOD + 4 - 4096,
        "x".repeat(2044)
    );
    assert_eq!(report.output, expected);
    assert_eq!(report.exit, Exit::Code(0));
}

#[tokio::test]
async fn output_that_is_no_text_is_made_text() {
    let bench = Bench::new();
    let report = bench.run(&bench.shell(r"printf 'a\377b'")).await.unwrap();
    assert_eq!(report.output, "a\u{fffd}b");
}

#[tokio::test]
async fn the_input_arrives_whole_and_ends() {
    let bench = Bench::new();
    let mut command = bench.command(&["cksum"]);
    command.stdin = b"0123456789abcdef".repeat(100_000);
    let report = bench.run(&command).await.unwrap();
    let mut plain = bench.shell("for i in $(seq 100000); do printf 0123456789abcdef; done | cksum");
    plain.stdin = Vec::new();
    assert_eq!(report.output, bench.run(&plain).await.unwrap().output);
    assert!(report.output.contains(" 1600000"));
    let nothing = bench.run(&bench.command(&["wc", "-c"])).await.unwrap();
    assert_eq!(nothing.output.trim(), "0");
}

#[tokio::test]
async fn what_is_no_longer_there_to_print_does_not_hold_up_the_end() {
    let bench = Bench::new();
    let report = bench
        .run(&bench.shell("sleep 1000 & echo done"))
        .await
        .unwrap();
    assert_eq!(
        (report.exit, report.output.as_str()),
        (Exit::Code(0), "done\n")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_answers_until_it_is_stopped() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let mut command = bench.shell("echo up; exec sleep 1000");
    command.idle_ms = 1;
    let service = bench.sandbox.serve(&command, &cancel).await.unwrap();
    until("the service is up", || service.output_so_far() == "up\n");
    assert_eq!(service.exited(), None);
    let report = service.stop().await.unwrap();
    assert_eq!(
        (report.exit, report.output.as_str()),
        (Exit::Cancelled, "up\n")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_ends_says_so() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let command = bench.shell("echo no port; exit 3");
    let service = bench.sandbox.serve(&command, &cancel).await.unwrap();
    until("the service has ended", || service.exited().is_some());
    assert_eq!(service.exited(), Some(Exit::Code(3)));
    assert_eq!(service.stop().await.unwrap().output, "no port\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_service_is_stopped() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let command = bench.shell("echo $$ > server.pid; echo up; exec sleep 1000");
    let service = bench.sandbox.serve(&command, &cancel).await.unwrap();
    until("the service is up", || service.output_so_far() == "up\n");
    drop(service);
    let pid = bench.pids()["server"];
    until("the service is gone", || !crate::bench::lives(pid));
}
