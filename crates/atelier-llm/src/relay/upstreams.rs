//! Who answers the requests of other programs, by every name under which a model can be asked for.

use std::{collections::BTreeMap, sync::Arc};

use atelier_model::{Digest, Stage, Strategy};

use crate::{
    GatewayConfig, GatewayError, Route, Transport,
    providers::relayed::Relayed,
    relay::{Demand, Routes, prepare::Prepared},
};

/// Models that answer in each other's place.
pub(crate) struct Group {
    /// How one of them is chosen.
    pub(crate) strategy: Strategy,
    /// All of them; the one that was asked for is the first.
    pub(crate) members: Vec<Arc<Relayed>>,
}

impl Group {
    /// The name under which an answer is kept that any of them may give. Whoever stands by for
    /// the first one answers in its place, so what is paid for stays good when that changes.
    fn key(&self, key: Digest) -> Digest {
        if self.strategy == Strategy::Static {
            return key;
        }
        let members = self.members.iter().map(|relayed| relayed.route.label());
        let mut among: Vec<String> = members.collect();
        among.sort();
        Digest::of_json(&(key, self.strategy, among))
    }
}

impl Routes {
    /// The name under which the answer to a request is kept, whoever gives it.
    pub(crate) fn key(&self, prepared: &Prepared) -> Digest {
        match self.group_of(prepared) {
            Some(group) => group.key(prepared.key),
            None => prepared.key,
        }
    }

    /// Who else may answer a request. Vectors and counts are no answers that others could give:
    /// those of another model mean nothing beside its own.
    pub(crate) fn group_of(&self, prepared: &Prepared) -> Option<&Arc<Group>> {
        let asked = prepared.about.model.trim_start_matches("models/");
        let is_answer = prepared.demand == Demand::Answer;
        is_answer.then(|| self.groups.get(asked)).flatten()
    }
}

/// The models of a configuration.
#[derive(Default)]
pub(crate) struct Upstreams {
    /// Who answers, by name.
    pub(crate) models: BTreeMap<String, Arc<Relayed>>,
    /// Who else may answer, by the same names.
    pub(crate) groups: BTreeMap<String, Arc<Group>>,
}

impl Upstreams {
    /// A stage's model can be asked for by the name of the stage, by its own name, and as
    /// `provider/model`, and has the standbys of the stage; any other by the last two, alone.
    pub(crate) fn new(config: &GatewayConfig, transport: &Transport) -> Result<Self, GatewayError> {
        let mut all = Self::default();
        for (stage, route) in &config.routes {
            let Some(first) = Relayed::new(route, transport)?.map(Arc::new) else {
                continue;
            };
            let group = all.group(config, (*stage, &first), transport)?;
            all.models.insert(route.label(), Arc::clone(&first));
            let bare = all.models.entry(route.model.clone());
            bare.or_insert_with(|| Arc::clone(&first));
            all.models.insert(stage.name().to_owned(), first);
            if let Some(group) = group {
                for name in [stage.name().to_owned(), route.label(), route.model.clone()] {
                    all.groups.entry(name).or_insert_with(|| Arc::clone(&group));
                }
            }
        }
        for route in &config.upstreams {
            all.list(route, transport)?;
        }
        if all.models.is_empty() {
            return Err(GatewayError::NothingToRelay);
        }
        Ok(all)
    }

    /// Who else may answer a stage; `None` where nobody does.
    fn group(
        &mut self,
        config: &GatewayConfig,
        (stage, first): (Stage, &Arc<Relayed>),
        transport: &Transport,
    ) -> Result<Option<Arc<Group>>, GatewayError> {
        let Some(routing) = config.routing.get(&stage) else {
            return Ok(None);
        };
        let mut members = vec![Arc::clone(first)];
        for route in &routing.fallback {
            members.extend(self.list(route, transport)?);
        }
        let strategy = routing.strategy;
        let group = (members.len() > 1).then(|| Group { strategy, members });
        Ok(group.map(Arc::new))
    }

    /// Lets a model be asked for, unless its names stand for another; `None` where there is no
    /// server behind it.
    fn list(
        &mut self,
        route: &Route,
        transport: &Transport,
    ) -> Result<Option<Arc<Relayed>>, GatewayError> {
        let Some(relayed) = Relayed::new(route, transport)?.map(Arc::new) else {
            return Ok(None);
        };
        for name in [route.label(), route.model.clone()] {
            let named = self.models.entry(name);
            named.or_insert_with(|| Arc::clone(&relayed));
        }
        Ok(Some(relayed))
    }
}
