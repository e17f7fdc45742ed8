//! What the kernel's words on memory mean.

use super::{available, machine_memory, stalled};

#[test]
fn what_is_available_is_read_in_bytes() {
    let text = "MemTotal:       16384000 kB\nMemAvailable:    2048 kB\n";
    assert_eq!(available(text), Some(2048 * 1024));
    assert_eq!(available("MemTotal: 1 kB\n"), None);
    assert_eq!(available("MemAvailable: many kB\n"), None);
}

#[test]
fn waiting_processes_are_a_shortage_from_a_fifth_of_the_time_on() {
    let line = |average: &str| format!("some avg10={average} avg60=0.00 avg300=0.00 total=1\n");
    assert!(!stalled(&line("19.99")));
    assert!(stalled(&line("20.00")));
    assert!(!stalled(""));
    assert!(!stalled(
        "full avg10=90.00 avg60=0.00 avg300=0.00 total=1\n"
    ));
}

#[test]
fn this_machine_has_memory() {
    assert!(machine_memory().is_some_and(|memory| memory.available_bytes > 0));
}
