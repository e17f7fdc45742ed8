//! A relayed request asked a second time beside the first, as one of its own on the record.

use std::sync::Arc;

use atelier_model::RelayId;

use crate::relay::{
    Refusal,
    transit::{Transit, facts, record},
};

impl Transit {
    /// The same request for whoever stands by, else for the same upstream. It is nothing yet: only
    /// once it has begun there is an end to be told.
    pub(crate) fn twin(&self) -> Result<Self, Refusal> {
        let at = self.hands.clock.now();
        let to = self.standby.as_ref().unwrap_or(&self.prepared.relayed);
        let model = match &self.standby {
            Some(standby) => standby.route.model.clone(),
            None => self.prepared.model.clone(),
        };
        let asked = (&self.value, self.prepared.about.model.as_str());
        let facts = facts(&self.incoming, &self.hands, at);
        let to = Some((Arc::clone(to), model));
        let prepared = self.routes.prepared(&self.incoming, asked, to, facts)?;
        let id = RelayId::new(at, &*self.hands.ids);
        Ok(Self {
            key: self.key,
            price: self.routes.price(&prepared, at),
            record: record(&self.incoming, &prepared, id, at),
            incoming: self.incoming.clone(),
            prepared,
            sendings: 0,
            turned_away: 0,
            has_standby: false,
            standby: None,
            key_sent: None,
            has_spare_key: false,
            permit: None,
            number: None,
            reservation: None,
            routes: Arc::clone(&self.routes),
            hands: Arc::clone(&self.hands),
            value: self.value.clone(),
            tails: Vec::new(),
            filters: Vec::new(),
            given_up: Vec::new(),
            is_over: true,
        })
    }

    /// It is asked now.
    pub(crate) fn begin(&mut self) {
        self.is_over = false;
        self.record.at = self.hands.clock.now();
    }

    /// Answers in the place of this one, which is given up. What outer layers have left here is
    /// done at the end as before.
    pub(crate) fn adopt(&mut self, mut twin: Self, lost: &Refusal) {
        self.give_up(lost);
        std::mem::swap(&mut self.prepared, &mut twin.prepared);
        self.record = twin.record.clone();
        self.price = twin.price;
        self.sendings = twin.sendings;
        self.turned_away = twin.turned_away;
        self.key_sent = twin.key_sent.take();
        self.reservation = twin.reservation.take();
        self.tails.append(&mut twin.tails);
        twin.is_over = true;
    }

    /// Gives up the one that was asked beside this one.
    pub(crate) fn outlive(&mut self, mut twin: Self, lost: &Refusal) {
        if twin.reservation.is_some() || twin.sendings > 0 {
            twin.give_up(lost);
            self.given_up.append(&mut twin.given_up);
        }
        twin.is_over = true;
    }
}
