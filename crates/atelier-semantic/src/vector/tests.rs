//! Vectors: alike where readings are, and found by a search that misses none.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{DIMENSIONS, DIMENSIONS_MAX, Found, Index, Vector};
use crate::Reading;

fn vector(text: &str) -> Vector {
    Reading::of(text).unwrap().vector()
}

/// An index of vectors that are each their place turned by one more step.
fn fan(count: u16) -> Index {
    let mut index = Index::default();
    for step in 0..count {
        assert!(index.push(&turned(f32::from(step))));
    }
    index
}

fn turned(step: f32) -> Vector {
    let angle = step * 0.01;
    Vector::of(&[angle.cos(), angle.sin(), 0.0]).unwrap()
}

#[test]
fn equal_readings_have_one_vector_and_others_are_the_farther_the_less_they_share() {
    let asked = vector("How do I sort a list in Python?");
    assert_eq!(asked, vector("In Python, how can I sort lists?"));
    let near = asked.similarity(&vector("How do I sort a list in Ruby?"));
    let far = asked.similarity(&vector("Who painted the Mona Lisa?"));
    assert!(asked.similarity(&asked) > 0.99);
    assert!(near > 0.6 && near < 0.99, "{near}");
    assert!(far < 0.4, "{far}");
    assert_eq!(asked.dimensions(), DIMENSIONS);
}

#[test]
fn no_direction_comes_of_nothing_or_of_too_much() {
    assert_eq!(Vector::of(&[]), None);
    assert_eq!(Vector::of(&[0.0, 0.0]), None);
    assert_eq!(Vector::of(&[f32::NAN]), None);
    assert_eq!(Vector::of(&[f32::INFINITY, 1.0]), None);
    assert_eq!(Vector::of(&vec![1.0; DIMENSIONS_MAX + 1]), None);
}

#[test]
fn the_nearest_are_found_in_order() {
    let index = fan(100);
    let found = index.nearest(&turned(50.0), 3, 0.0);
    assert_eq!(found.len(), 3);
    assert!(
        found
            .windows(2)
            .all(|pair| pair[0].similarity >= pair[1].similarity)
    );
    let all = index.nearest(&turned(50.0), 100, -1.0);
    assert_eq!(all.len(), 100);
    assert_eq!(found, all[..3]);
    let near = index.nearest(&turned(0.0), 100, 0.9);
    assert!(
        near.iter()
            .all(|found| found.similarity >= 0.9 && found.place < 50)
    );
    assert_eq!(index.nearest(&turned(0.0), 0, 0.0), []);
}

#[test]
fn of_equals_the_older_comes_first() {
    let mut index = Index::default();
    for _ in 0..4 {
        index.push(&turned(1.0));
    }
    let places: Vec<usize> = index
        .nearest(&turned(1.0), 2, 0.0)
        .iter()
        .map(|f| f.place)
        .collect();
    assert_eq!(places, [0, 1]);
}

#[test]
fn the_last_takes_the_place_of_one_that_leaves() {
    let mut index = fan(3);
    index.swap_remove(0);
    assert_eq!(index.len(), 2);
    let Found { place, .. } = index.nearest(&turned(2.0), 1, 0.0)[0];
    assert_eq!(place, 0);
    assert!(index.replace(1, &turned(90.0)));
    assert_eq!(index.nearest(&turned(90.0), 1, 0.9)[0].place, 1);
    assert!(!index.replace(2, &turned(90.0)));
    assert!(!index.replace(0, &vector("What is recursion?")));
    index.swap_remove(9);
    index.swap_remove(1);
    index.swap_remove(0);
    assert!(index.is_empty());
    assert_eq!(index.nearest(&turned(2.0), 1, 0.0), []);
}

#[test]
fn vectors_of_another_length_have_no_place() {
    let mut index = fan(1);
    assert!(!index.push(&vector("What is recursion?")));
    assert_eq!(index.nearest(&vector("What is recursion?"), 1, -1.0), []);
    assert_eq!(index.bytes(), 3 + 4);
    assert!(vector("What is recursion?").similarity(&turned(1.0)).abs() < f32::EPSILON);
}
