//! Frames in a log, whole and damaged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs::File, io::Write as _};

use super::{CHUNK_BYTES, HEAD_BYTES, MARK, append, push, scan};

fn log(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn frames(contents: &[&[u8]]) -> Vec<u8> {
    let mut frames = Vec::new();
    for content in contents {
        push(&mut frames, content).unwrap();
    }
    frames
}

fn read(log: &File, from: u64) -> (Vec<Vec<u8>>, u64) {
    let mut found = Vec::new();
    let end = scan(log, from, |_, content| found.push(content.to_owned())).unwrap();
    (found, end)
}

#[test]
fn frames_come_back_with_their_places() {
    let long = vec![7; 3 * CHUNK_BYTES];
    let bytes = frames(&[b"one", b"", &long, b"four"]);
    let file = log(&bytes);
    let mut places = Vec::new();
    scan(&file, 0, |at, content| places.push((at, content.len()))).unwrap();
    let head = HEAD_BYTES as u64;
    let third = 3 * head + 3;
    let fourth = third + long.len() as u64 + head;
    assert_eq!(
        places,
        [
            (head, 3),
            (2 * head + 3, 0),
            (third, long.len()),
            (fourth, 4)
        ]
    );
    assert_eq!(read(&file, 0).1, bytes.len() as u64);
}

#[test]
fn a_torn_end_is_left_out_and_reading_goes_on_there() {
    let whole = frames(&[b"one"]);
    let torn = frames(&[b"a longer second frame"]);
    for cut in 0..torn.len() {
        let file = log(&[&whole[..], &torn[..cut]].concat());
        assert_eq!(read(&file, 0), (vec![b"one".to_vec()], whole.len() as u64));
        // Somebody goes on behind it.
        append(&file, &frames(&[b"three"])).unwrap();
        assert_eq!(read(&file, whole.len() as u64).0, [b"three"], "cut {cut}");
    }
}

#[test]
fn a_flipped_bit_costs_one_frame() {
    let contents: Vec<Vec<u8>> = (0..5_u8).map(|at| vec![at; 20]).collect();
    let slices: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    let bytes = frames(&slices);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (found, _) = read(&log(&flipped), 0);
        let hit = bit / 8 / (HEAD_BYTES + 20);
        let mut left = contents.clone();
        left.remove(hit);
        assert_eq!(found, left, "bit {bit}");
    }
}

#[test]
fn a_mark_in_a_content_or_at_the_border_of_what_is_read_is_no_trouble() {
    let mut bytes = vec![0; CHUNK_BYTES - 2];
    bytes.extend(frames(&[&MARK, b"behind"]));
    assert_eq!(read(&log(&bytes), 0).0, [MARK.to_vec(), b"behind".to_vec()]);
    // Something that looks like the beginning of a frame of the greatest length.
    let mut bytes = [&MARK[..], &[0, 0, 0, 4], &[0; 8]].concat();
    bytes.extend(frames(&[b"behind"]));
    assert_eq!(read(&log(&bytes), 0).0, [b"behind"]);
}
