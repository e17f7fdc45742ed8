//! Versions out of what programs say of themselves.

use super::number;

#[test]
fn the_number_is_found_in_what_programs_say() {
    for (said, expected) in [
        ("git version 2.47.3", Some("2.47.3")),
        ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", Some("1.95.0")),
        ("go version go1.24.1 linux/amd64", Some("1.24.1")),
        ("v20.20.2", Some("20.20.2")),
        ("cc (Debian 12.2.0-14+deb12u1) 12.2.0", Some("12.2.0")),
        (" [1mApache Maven 3.8.7 [m", Some("3.8.7")),
        ("GNU Make 4.3", Some("4.3")),
        ("no number at all", None),
    ] {
        assert_eq!(number(said).as_deref(), expected, "{said}");
    }
}
