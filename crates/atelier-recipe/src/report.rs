//! Test reports: what a runner printed or wrote, read into counts.

use atelier_model::{ReportFormat, TestCounts};

mod cargo;
mod closing;
mod command;
mod go;
mod java;
mod javascript;
mod names;
mod native;
mod nim;
mod python;
mod swift;
mod tap;
mod text;
mod xml;

pub use command::recognise_tests;
pub use names::passed_names;

/// One reader of what a runner prints: the runs it found, complete ones only.
type Reader = fn(&str) -> Vec<TestCounts>;

/// Every reader of printed reports, for a command that may run any of them.
const READERS: [Reader; 16] = [
    cargo::libtest,
    cargo::nextest,
    python::unittest,
    python::pytest,
    javascript::node_test,
    javascript::vitest,
    javascript::jest,
    javascript::mocha,
    javascript::ava,
    go::runs,
    native::ctest,
    native::frameworks,
    java::surefire,
    closing::all,
    nim::runs,
    swift::runs,
];

/// Reads a test report from what a command printed and from the files it wrote.
///
/// The output is taken as it was printed: a last line that does not end is a cut one, and is left
/// out. `None` means unknown: there is no report, it is cut short, or it contradicts itself. Where a
/// runner that runs once appears to have reported more than once, the smallest report counts, so
/// that a test cannot print itself a better one.
pub fn read_report(
    format: &ReportFormat,
    output: &str,
    files: &[(String, Vec<u8>)],
) -> Option<TestCounts> {
    let output = text::plain(output);
    let output = text::whole_lines(&output);
    match format {
        ReportFormat::Cargo => sum([cargo::libtest(output), cargo::nextest(output)].concat()),
        ReportFormat::Unittest => least(python::unittest(output)),
        ReportFormat::Pytest => least(python::pytest(output)).or_else(|| xml::junit(files)),
        ReportFormat::NodeTest => least(javascript::node_test(output)),
        ReportFormat::Vitest => least(javascript::vitest(output)),
        ReportFormat::Jest => least(javascript::jest(output)),
        ReportFormat::Mocha => least(javascript::mocha(output)),
        ReportFormat::Go => sum(go::runs(output)),
        ReportFormat::Ctest => named(least(native::ctest(output)), xml::junit(files)),
        ReportFormat::Surefire => named(sum(java::surefire(output)), xml::junit(files)),
        ReportFormat::Junit => xml::junit(files),
        ReportFormat::Tap => least(tap::runs(output)),
        ReportFormat::Nim => least(nim::runs(output)),
        ReportFormat::Swift => sum(swift::runs(output)),
        // Umbrella projects and workspaces close once for each of their members.
        ReportFormat::Exunit
        | ReportFormat::Dotnet
        | ReportFormat::Sbt
        | ReportFormat::Clojure
        | ReportFormat::Automake => sum(closing::runs(*format, output)),
        ReportFormat::Minitest
        | ReportFormat::Rspec
        | ReportFormat::Phpunit
        | ReportFormat::Meson
        | ReportFormat::Zig
        | ReportFormat::Bun
        | ReportFormat::Deno
        | ReportFormat::Dart
        | ReportFormat::Terraform
        | ReportFormat::Tasty
        | ReportFormat::JunitConsole => least(closing::runs(*format, output)),
        ReportFormat::Any => any(output).or_else(|| xml::junit(files)),
    }
}

fn any(output: &str) -> Option<TestCounts> {
    one_of_any(output).or_else(|| {
        let members = text::members(output);
        sum(members.iter().filter_map(|one| one_of_any(one)).collect())
    })
}

fn one_of_any(output: &str) -> Option<TestCounts> {
    let found = READERS.iter().flat_map(|read| read(output)).collect();
    sum(found).or_else(|| sum(tap::runs(output)))
}

fn sum(runs: Vec<TestCounts>) -> Option<TestCounts> {
    runs.into_iter().reduce(|mut total, run| {
        total.add(&run);
        total
    })
}

fn least(runs: Vec<TestCounts>) -> Option<TestCounts> {
    runs.into_iter().min_by_key(TestCounts::executed)
}

/// The printed counts, which are of this run, with the failures as the files tell them.
fn named(printed: Option<TestCounts>, files: Option<TestCounts>) -> Option<TestCounts> {
    match (printed, files) {
        (Some(mut printed), Some(files)) => {
            if files.failures.len() as u64 == printed.failed {
                printed.failures = files.failures;
            }
            Some(printed)
        }
        (printed, files) => printed.or(files),
    }
}

#[cfg(test)]
mod tests;
