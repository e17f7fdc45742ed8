//! What the store costs by itself: keeping, looking, comparing and restoring, without a process.

use std::{env, fs, path::Path, process::Command, sync::Arc, time::Instant};

use atelier_cas::{Cas, CasLimits, Outcome, Outputs, Record, Survey, Workspace};
use atelier_model::{Digest, PathPattern, RootPattern, Timestamp};

/// Steps, each with one source and one output.
const STEPS: usize = 10_000;
/// Outputs of one step that are restored.
const RESTORED: usize = 1_000;
const RESTORED_BYTES: usize = 4096;
const ROUNDS: usize = 7;

fn main() {
    let part = env::args().nth(1).unwrap_or_default();
    if let Some(folder) = env::args().nth(2).filter(|_| part.starts_with("--")) {
        let folder = Path::new(&folder);
        match part.as_str() {
            "--steps" => steps(folder),
            "--unchanged" => unchanged(folder),
            _ => panic!("{part}: --steps or --unchanged"),
        }
        return;
    }
    for folder in env::args().skip(1) {
        println!("{folder}");
        let folder = Path::new(&folder).join("store-bench");
        let _ = fs::remove_dir_all(&folder);
        steps(&folder);
        // A process of its own, for its memory.
        let program = env::current_exe().unwrap();
        let child = Command::new(program)
            .arg("--unchanged")
            .arg(&folder)
            .status();
        assert!(child.unwrap().success());
        restored(&folder);
        fs::remove_dir_all(&folder).unwrap();
    }
}

fn open(folder: &Path) -> Workspace {
    let cas = Cas::open(&folder.join("cas"), CasLimits::default()).unwrap();
    Workspace::open(Arc::new(cas), &folder.join("tree")).unwrap()
}

fn said(what: &str, mut millis: Vec<f64>) {
    millis.sort_by(f64::total_cmp);
    let (best, median) = (millis[0], millis[millis.len() / 2]);
    println!("  {what:<44} best {best:8.2} ms  median {median:8.2} ms");
}

fn timed<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64() * 1000.0, result)
}

fn pattern(text: &str) -> Vec<RootPattern> {
    vec![PathPattern::parse(text).unwrap().from_root(None)]
}

fn record(step: usize, outputs: Outputs) -> Record {
    Record {
        key: Digest::of(step.to_string()),
        step: format!("step-{step}"),
        outcome: Outcome::Passed,
        exit: Some(0),
        when: Timestamp::from_millis(0),
        duration_us: 1000,
        rss_bytes_max: 1 << 20,
        log: None,
        outputs,
    }
}

/// What the store adds to each step that is executed.
fn steps(folder: &Path) {
    fs::create_dir_all(folder.join("tree/src")).unwrap();
    fs::create_dir_all(folder.join("tree/out")).unwrap();
    for step in 0..STEPS {
        fs::write(folder.join(format!("tree/src/{step}")), step.to_string()).unwrap();
        fs::write(
            folder.join(format!("tree/out/{step}")),
            format!("made {step}"),
        )
        .unwrap();
    }
    let work = open(folder);
    let descriptor = vec![b'd'; 400];
    let (look, _) = timed(|| {
        let paths: Vec<String> = (0..STEPS).map(|step| format!("src/{step}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        work.look(&paths).unwrap()
    });
    let (keep, _) = timed(|| {
        for step in 0..STEPS {
            let outputs = work.collect(&pattern(&format!("out/{step}"))).unwrap();
            work.cas()
                .append(&record(step, outputs), &descriptor)
                .unwrap();
        }
    });
    let (settle, _) = timed(|| work.settle().unwrap());
    let (save, _) = timed(|| work.cas().save().unwrap());
    let (sync, _) = timed(|| work.cas().sync().unwrap());
    println!("  read {STEPS} sources for the first time  {look:.1} ms");
    println!(
        "  keep {STEPS} steps  {keep:.1} ms, {:.4} ms a step",
        keep / STEPS as f64
    );
    println!("  settle {settle:.1} ms, save {save:.1} ms, sync {sync:.1} ms");
}

/// What the store takes of a run in which nothing changed.
fn unchanged(folder: &Path) {
    let mut rows: [Vec<f64>; 5] = Default::default();
    let mut peak = String::new();
    for _ in 0..ROUNDS {
        let (opened, work) = timed(|| open(folder));
        let steps: Vec<_> = (0..STEPS)
            .map(|step| pattern(&format!("src/{step}")))
            .collect();
        let (looked, found) = timed(|| work.inputs(&Survey::default(), &steps).unwrap());
        assert_eq!(found.len(), STEPS);
        let (found, records) = timed(|| {
            let keys = (0..STEPS).map(|step| Digest::of(step.to_string()));
            let records = keys.map(|key| work.cas().find(&key).unwrap().unwrap());
            records.collect::<Vec<_>>()
        });
        let outputs: Vec<&Outputs> = records.iter().map(|record| &record.outputs).collect();
        let (compared, drift) = timed(|| work.drift(&outputs).unwrap());
        assert!(drift.iter().all(Vec::is_empty));
        let (ended, ()) = timed(|| {
            work.settle().unwrap();
            work.cas().save().unwrap();
            work.cas().evict().unwrap();
        });
        for (row, value) in rows
            .iter_mut()
            .zip([opened, looked, found, compared, ended])
        {
            row.push(value);
        }
        if peak.is_empty() {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM"));
            peak = line.unwrap()[6..].trim().to_owned();
        }
    }
    let [opened, looked, found, compared, ended] = rows;
    said("open, 10,000 records, 20,000 digests", opened);
    said("look at the inputs of 10,000 steps", looked);
    said("find 10,000 records", found);
    said("compare 10,000 outputs", compared);
    said("end the run", ended);
    println!("  peak of the memory of one run {peak}");
}

fn restored(folder: &Path) {
    let work = open(folder);
    fs::create_dir_all(folder.join("tree/many")).unwrap();
    for at in 0..RESTORED {
        let bytes = at.to_string().repeat(RESTORED_BYTES)[..RESTORED_BYTES].to_owned();
        fs::write(folder.join(format!("tree/many/{at}")), bytes).unwrap();
    }
    let outputs = work.collect(&pattern("many/")).unwrap();
    let mut rows: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        fs::remove_dir_all(folder.join("tree/many")).unwrap();
        rows[0].push(timed(|| work.restore(&outputs).unwrap()).0);
        for at in 0..RESTORED {
            fs::write(folder.join(format!("tree/many/{at}")), "changed").unwrap();
        }
        rows[1].push(timed(|| work.restore(&outputs).unwrap()).0);
        work.settle().unwrap();
        rows[2].push(timed(|| work.restore(&outputs).unwrap()).0);
    }
    let [removed, changed, standing] = rows;
    said("restore 1,000 x 4 KiB, all removed", removed);
    said("restore 1,000 x 4 KiB, all changed", changed);
    said("restore 1,000 x 4 KiB, all standing", standing);
}
