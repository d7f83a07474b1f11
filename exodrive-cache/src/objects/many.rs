//! Loading many objects: what is missing is loaded in one call.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::cache::Object;
use super::error::LoadError;
use super::inquiry::{Asked, Followed, Inquiry, Looked};
use super::load::{Begun, Load, Loaded, Loading};
use crate::decision::Outcome;
use crate::fetch::MAX_JOINS;
use crate::flight::{Flight, Join};
use crate::limits::Permit;
use crate::patience::Patience;
use crate::shared::Shared;
use crate::store::{Release, Store, Turn};

/// How many lookups one question has under way at once.
const MAX_LOOKUPS: usize = 64;

/// What can be the identifier of one of many objects.
pub trait ObjectId: Display + Eq + Hash + Clone + Send + Sync + 'static {}

impl<K: Display + Eq + Hash + Clone + Send + Sync + 'static> ObjectId for K {}

/// A loader that can be asked several times.
pub(super) type LoadMany<K, T> = Arc<dyn Fn(Vec<K>) -> Load<Vec<(K, T)>> + Send + Sync>;

/// An object that is not known yet.
pub(super) struct Wanted<K, T, St: Store> {
    pub(super) id: K,
    pub(super) inquiry: Inquiry<T, St>,
    /// A load whose object is too old for this question.
    pub(super) outdated: Option<Arc<Flight<St::Fill, Loaded>>>,
}

/// What a load of many objects has found.
type Objects<K, T> = Result<HashMap<K, Arc<T>>, LoadError>;

/// Looks up everything that is not known yet, and returns what was found, in order.
pub(super) async fn find_many<T: Object, St: Store>(
    asked: Vec<Asked<T, St>>,
) -> Vec<Option<Arc<T>>> {
    let found = asked.into_iter().map(async |asked| match asked {
        Asked::Answered(object) => Some(object),
        Asked::Open(inquiry) => inquiry.find().await,
    });
    stream::iter(found).buffered(MAX_LOOKUPS).collect().await
}

/// Many objects that are asked for at once.
pub(super) struct Many<K, T, St: Store> {
    pub(super) patience: Patience,
    pub(super) load: LoadMany<K, T>,
    pub(super) wanted: Vec<Wanted<K, T, St>>,
    pub(super) objects: HashMap<K, Arc<T>>,
}

// === impl Many ===

impl<K: ObjectId, T: Object, St: Store> Many<K, T, St> {
    /// Returns the objects that there are.
    pub(super) async fn get_or_load(mut self) -> Objects<K, T> {
        for _ in 0..MAX_JOINS {
            if self.wanted.is_empty() {
                return Ok(self.objects);
            }
            self.round().await?;
        }
        self.alone().await?;
        Ok(self.objects)
    }

    /// Looks once at everything that is wanted, loads what nobody loads, and waits for what others load.
    async fn round(&mut self) -> Result<(), LoadError> {
        let wanted = std::mem::take(&mut self.wanted);
        let looks = wanted.into_iter().map(async |mut wanted| {
            let join = wanted.inquiry.join(wanted.outdated.as_ref());
            let looked = wanted.inquiry.lookup().await;
            (wanted, join, looked)
        });
        let looked: Vec<_> = stream::iter(looks).buffered(MAX_LOOKUPS).collect().await;

        let (mut missing, mut due, mut followed) = (Vec::new(), Vec::new(), Vec::new());
        for (wanted, join, looked) in looked {
            let Wanted { id, inquiry, .. } = wanted;
            match (join, looked) {
                (Join::Lead(lead), Looked::Nothing) => {
                    missing.push(Member::new(id, Loading { inquiry, lead }));
                }
                (Join::Lead(lead), Looked::Due(object)) => {
                    self.objects.insert(id.clone(), object);
                    due.push(Member::new(id, Loading { inquiry, lead }));
                }
                (Join::Follow(flight), Looked::Nothing) => followed.push((id, inquiry, flight)),
                (join, Looked::Found(object) | Looked::Due(object)) => {
                    if let Join::Lead(lead) = join {
                        lead.release();
                    }
                    self.objects.insert(id, object);
                }
            }
        }
        let asked: Vec<_> = missing
            .iter()
            .map(|member| (member.id.clone(), member.loading.inquiry.clone()))
            .collect();
        let loads = self.begin(missing, due);
        let follows = followed.into_iter().map(async |(id, inquiry, flight)| {
            let followed = inquiry.follow(&flight);
            let followed = self.patience.wait(inquiry.has_fallback(), followed).await;
            (id, inquiry, flight, followed)
        });
        let (loaded, followed) = join(self.loaded(asked, loads), join_all(follows)).await;
        self.objects.extend(loaded?);
        for (id, inquiry, flight, followed) in followed {
            let outdated = match followed {
                Some(Followed::Loaded(object)) => {
                    self.objects.insert(id, object);
                    continue;
                }
                Some(Followed::Failed(error)) => {
                    let object = inquiry.fallback(error).await?;
                    self.objects.insert(id, object);
                    continue;
                }
                None => {
                    let object = inquiry.fallback(LoadError::SLOW).await?;
                    self.objects.insert(id, object);
                    continue;
                }
                Some(Followed::Outdated) => Some(flight),
                Some(Followed::Released | Followed::Abandoned) => None,
            };
            self.wanted.push(Wanted {
                id,
                inquiry,
                outdated,
            });
        }
        Ok(())
    }

    /// Loads what is missing, and along with it what is due, on a task of its own.
    fn begin(
        &self,
        missing: Vec<Member<K, T, St>>,
        due: Vec<Member<K, T, St>>,
    ) -> Option<oneshot::Receiver<Objects<K, T>>> {
        let in_background = missing.is_empty();
        let members: Vec<_> = missing.into_iter().chain(due).collect();
        let limits = &members.first()?.loading.inquiry.named.limits;
        let call = limits.call()?;
        let refresh = match in_background {
            true => Some(limits.refresh()?),
            false => None,
        };
        let (reply, answer) = oneshot::channel();
        let batch = Batch {
            members,
            load: self.load.clone(),
        };
        let task = async move {
            batch.run(call, reply).await;
            drop(refresh);
        };
        tokio::spawn(task.in_current_span());
        Some(answer)
    }

    /// Waits for a load of what was `asked`.
    async fn loaded(
        &self,
        asked: Vec<(K, Inquiry<T, St>)>,
        load: Option<oneshot::Receiver<Objects<K, T>>>,
    ) -> Objects<K, T> {
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let has_fallback = asked.iter().all(|(_, inquiry)| inquiry.has_fallback());
        let error = match load {
            None => LoadError::OVERLOADED,
            Some(load) => match self.patience.wait(has_fallback, load).await {
                Some(Ok(Ok(objects))) => return Ok(objects),
                Some(Ok(Err(error))) => error,
                Some(Err(_)) => LoadError::PANICKED,
                None => LoadError::SLOW,
            },
        };
        let mut objects = HashMap::with_capacity(asked.len());
        for (id, inquiry) in asked {
            objects.insert(id, inquiry.fallback(error.clone()).await?);
        }
        Ok(objects)
    }

    /// Loads for this question only what is still wanted.
    async fn alone(&mut self) -> Result<(), LoadError> {
        let Some(Wanted { inquiry, .. }) = self.wanted.first() else {
            return Ok(());
        };
        let Some(_call) = inquiry.named.limits.call() else {
            return Err(LoadError::OVERLOADED);
        };
        let ids: Vec<_> = self.wanted.iter().map(|wanted| wanted.id.clone()).collect();
        let load = inquiry.contained(async {
            let load = (self.load)(ids);
            load.await.map_err(LoadError::of_loader)
        });
        let loaded = self.patience.wait(false, load).await;
        let loaded = loaded.ok_or(LoadError::SLOW)??;
        let loaded = loaded
            .into_iter()
            .map(|(id, object)| (id, Arc::new(object)));
        self.objects.extend(loaded);
        Ok(())
    }
}

/// One object of a load of many.
struct Member<K, T, St: Store> {
    id: K,
    loading: Loading<T, St>,
}

impl<K, T, St: Store> Member<K, T, St> {
    fn new(id: K, loading: Loading<T, St>) -> Self {
        Self { id, loading }
    }
}

/// A load of many objects, on a task of its own.
struct Batch<K, T, St: Store> {
    members: Vec<Member<K, T, St>>,
    load: LoadMany<K, T>,
}

impl<K: ObjectId, T: Object, St: Store> Batch<K, T, St> {
    async fn run(mut self, call: Permit, reply: oneshot::Sender<Objects<K, T>>) {
        let (members, mut objects) = self.begin().await;
        let Some(Member { loading, .. }) = members.first() else {
            let _ = reply.send(Ok(objects));
            return;
        };
        let inquiry = &loading.inquiry;
        let Shared { clock, chance, .. } = &*inquiry.shared;
        let requested_at = clock.now();
        let ids: HashSet<&K> = members.iter().map(|member| &member.id).collect();
        let made = inquiry.contained(async {
            let load = (self.load)(ids.iter().map(|&id| id.clone()).collect());
            let loaded = load.await.map_err(LoadError::of_loader)?;
            let now = clock.now();
            let took = now.duration_since(requested_at).unwrap_or_default();
            inquiry.named.loaded(took);
            let made = loaded.into_iter().filter(|(id, _)| ids.contains(id));
            let made = made.map(|(id, object)| {
                let key = inquiry.named.key(&id);
                let object = Arc::new(object);
                let new = inquiry.named.make(&key, object, now, took, chance.draw());
                (id, new)
            });
            Ok(made.collect::<HashMap<_, _>>())
        });
        let made = made.await;
        drop(call);
        match made {
            Ok(mut made) => {
                for Member { id, loading } in &members {
                    inquiry.named.ended(Outcome::Miss { unstorable: None });
                    match made.get(id) {
                        Some(new) => {
                            loading.announce(new);
                            objects.insert(id.clone(), new.object.clone());
                        }
                        None => loading.lead.abandon(),
                    }
                }
                let _ = reply.send(Ok(objects));
                let ends = members.iter().map(|Member { id, loading }| {
                    let new = made.remove(id);
                    async move {
                        match new {
                            Some(new) => loading.store(new).await,
                            None => loading.give_up(Release::Failed).await,
                        }
                    }
                });
                join_all(ends).await;
            }
            Err(error) => {
                for Member { loading, .. } in &members {
                    loading.fail(error.clone());
                }
                let _ = reply.send(Err(error));
                let ends = members.iter();
                join_all(ends.map(|member| member.loading.give_up(Release::Failed))).await;
            }
        }
    }

    /// Opens the fills, and takes out what another instance has by now. What another instance is loading is loaded here as well
    /// and not stored: instances that waited for each other's share of their lists could wait in a circle.
    async fn begin(&mut self) -> (Vec<Member<K, T, St>>, HashMap<K, Arc<T>>) {
        let members = std::mem::take(&mut self.members);
        let begun = members.into_iter().map(async |mut member| {
            let begun = member.loading.begin(Turn::Yield).await;
            (member, begun)
        });
        let begun: Vec<_> = stream::iter(begun).buffered(MAX_LOOKUPS).collect().await;
        let (mut members, mut objects) = (Vec::new(), HashMap::new());
        for (member, begun) in begun {
            match begun {
                Begun::Found(object) => {
                    objects.insert(member.id, object);
                }
                Begun::Open | Begun::Busy => members.push(member),
            }
        }
        (members, objects)
    }
}
