//! The calls of an answer that is being read, numbered in the order in which they begin.

use crate::relay::exchange::Piece;

/// Calls by the places that their dialect gives them, which need not be numbers from 0.
#[derive(Debug, Default)]
pub(crate) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    place: u64,
    /// Whether any of its arguments were told.
    is_told: bool,
}

impl Calls {
    /// The number of the call at a place.
    pub(crate) fn at(&self, place: u64) -> Option<usize> {
        self.0.iter().position(|call| call.place == place)
    }

    /// A call begins at a place.
    pub(crate) fn begin(&mut self, place: u64) -> usize {
        self.0.push(Call {
            place,
            is_told: false,
        });
        self.0.len() - 1
    }

    /// More arguments of the call at a place, where there is one and they are any.
    pub(crate) fn arguments(&mut self, place: u64, more: &str) -> Option<Piece> {
        let call = self.at(place).filter(|_| !more.is_empty())?;
        self.0.get_mut(call)?.is_told = true;
        Some(Piece::Arguments {
            call,
            text: more.to_owned(),
        })
    }

    /// All arguments of a call that ends, where none were told.
    pub(crate) fn rest(&mut self, place: u64, all: &str) -> Option<Piece> {
        let call = self.0.iter().find(|call| call.place == place)?;
        if call.is_told {
            return None;
        }
        self.arguments(place, all)
    }
}
