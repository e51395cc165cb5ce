//! Routes whose right is read off the handler's own signature, so that no list can say anything else than what is done.
//!
//! A handler takes `State<Api>` and then [`May<R>`](super::May) or [`Entered<R>`](crate::console::Entered), and that is
//! the only kind that [`Routes::get`] and [`Routes::post`] take. Whatever is open to everybody says so by
//! [`Routes::open`]. Under `/console/` there is no other way to make a route, and under `/api/` only
//! [`Interface`](super::interface::Interface), which asks the same of a handler.

use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::Api;
use super::access::May;
use crate::console::Entered;
use crate::identity::{Right, RightName};

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its method.
    pub(crate) method: Method,
    /// Its address with the names of its parts in braces.
    pub(crate) path: String,
    /// What it asks for; `None`: nothing.
    pub(crate) asks: Option<RightName>,
}

/// Routes, and the list of them.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    router: Router<Api>,
    list: Vec<Route>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answers `GET`, for whoever has the right that the handler asks for.
    pub(crate) fn get<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: Asks + 'static,
    {
        self.on(&Method::GET, path, Some(T::RIGHT), handler)
    }

    /// Answers `POST`, for whoever has the right that the handler asks for.
    pub(crate) fn post<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: Asks + 'static,
    {
        self.on(&Method::POST, path, Some(T::RIGHT), handler)
    }

    /// Answers everybody: what comes before anybody can be known.
    pub(crate) fn open<H, T>(self, method: &Method, path: &str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.on(method, path, None, handler)
    }

    /// Those of a router that are listed elsewhere.
    pub(super) fn of(router: Router<Api>, list: Vec<Route>) -> Self {
        Self { router, list }
    }

    /// These and those.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        Self { router: self.router.merge(other.router), list: self.list }
    }

    /// The list of them.
    #[cfg(test)]
    pub(crate) fn list(&self) -> &[Route] {
        &self.list
    }

    /// The router, to be given layers.
    pub(crate) fn into_router(self) -> Router<Api> {
        self.router
    }

    /// The same routes with layers around them.
    pub(crate) fn with(self, layers: impl FnOnce(Router<Api>) -> Router<Api>) -> Self {
        Self { router: layers(self.router), list: self.list }
    }

    fn on<H, T>(mut self, method: &Method, path: &str, asks: Option<RightName>, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else { return self };
        self.list.push(Route { method: method.clone(), path: path.to_owned(), asks });
        Self { router: self.router.route(path, on(filter, handler)), list: self.list }
    }
}

/// What a handler with these arguments asks for.
pub(crate) trait Asks {
    /// The right.
    const RIGHT: RightName;
}

macro_rules! asks {
    ($($further:ident),*) => {
        impl<M, R: Right, $($further),*> Asks for (M, State<Api>, May<R>, $($further,)*) {
            const RIGHT: RightName = R::NAME;
        }
        impl<M, R: Right, $($further),*> Asks for (M, State<Api>, Entered<R>, $($further,)*) {
            const RIGHT: RightName = R::NAME;
        }
    };
}

asks!();
asks!(A);
asks!(A, B);
asks!(A, B, C);
asks!(A, B, C, D);
