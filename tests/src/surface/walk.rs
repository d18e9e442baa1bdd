//! From the root of a library along all that is public.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use syn::{Item, Type};

use super::attributes::{Marks, add, inherited, marks};
use super::names::{Import, Meaning, imports};
use super::tree::{Id, Tree, attributes, named};
use super::{declare, impls};

/// The lines of a library.
pub(super) fn walk(name: &str, tree: &Tree) -> BTreeSet<String> {
    let mut walk = Walk {
        tree,
        name: name.to_owned(),
        items: BTreeMap::new(),
        unknown: BTreeSet::new(),
        modules: BTreeMap::new(),
        lines: BTreeSet::new(),
    };
    walk.modules();
    walk.declarations();
    walk.blocks();
    walk.macros();
    walk.lines
}

/// A public path, and what it says of itself and is said of all around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Whether it is a re-export: then another place is better.
    again: bool,
    /// Whether it has another name there.
    renamed: bool,
    /// How many names the path has.
    length: usize,
    path: String,
    marks: Marks,
}

impl Place {
    /// That of something inside.
    fn below(&self, name: &str, marks: &Marks) -> Self {
        let mut all = inherited(&self.marks);
        add(&mut all, marks.iter().cloned());
        Self {
            again: self.again,
            renamed: false,
            length: self.length + 1,
            path: format!("{}::{name}", self.path),
            marks: all,
        }
    }

    fn again(self) -> Self {
        Self { again: true, ..self }
    }

    /// The same for what a `*` brings there.
    fn within(&self, marks: &Marks) -> Self {
        let mut all = inherited(&self.marks);
        add(&mut all, inherited(marks));
        Self { again: true, marks: all, ..self.clone() }
    }
}

/// Takes a public module and its place.
type Enter<'a> = &'a mut dyn FnMut(Id, Place);

struct Walk<'a> {
    tree: &'a Tree,
    name: String,
    /// All places of each public item.
    items: BTreeMap<(Id, usize), BTreeSet<Place>>,
    /// What is re-exported and not found: a macro makes it, or it is a variant.
    unknown: BTreeSet<String>,
    /// Where each public module is.
    modules: BTreeMap<Id, Place>,
    lines: BTreeSet<String>,
}

impl Walk<'_> {
    fn line(&mut self, path: &str, marks: &Marks, declaration: &str) {
        let marks: String = marks.iter().map(|mark| format!("{mark} ")).collect();
        self.lines.insert(format!("{path}: {marks}{declaration}"));
    }

    /// Finds all that is public. Modules where they are declared come before modules that are re-exported.
    fn modules(&mut self) {
        let root = Place {
            again: false,
            renamed: false,
            length: 1,
            path: self.name.clone(),
            marks: Marks::new(),
        };
        let (mut first, mut later) = (VecDeque::from([(0, root)]), VecDeque::new());
        while let Some((id, place)) = first.pop_front().or_else(|| later.pop_front()) {
            if let Some(known) = self.modules.get(&id) {
                if known.path != place.path {
                    let source = format!("pub use {}", known.path);
                    self.line(&place.path, &place.marks, &source);
                }
                continue;
            }
            if id != 0 {
                let declaration = format!("pub mod {}", self.tree.modules[id].name());
                self.line(&place.path, &place.marks, &declaration);
            }
            self.modules.insert(id, place.clone());
            self.module(id, &place, &mut BTreeSet::new(), &mut |child, place| {
                let queue = if place.again { &mut later } else { &mut first };
                queue.push_back((child, place));
            });
        }
    }

    /// Finds what is public in a module that is seen at a place; `enter` takes the modules in it.
    fn module(&mut self, id: Id, within: &Place, seen: &mut BTreeSet<Id>, enter: Enter<'_>) {
        if !seen.insert(id) {
            return;
        }
        let tree = self.tree;
        let module = &tree.modules[id];
        for child in module.children.iter().filter(|child| tree.modules[**child].public) {
            let found = &tree.modules[*child];
            enter(*child, within.below(found.name(), &found.marks));
        }
        for (index, item) in module.items.iter().enumerate() {
            let marks = attributes(item).and_then(marks).unwrap_or_default();
            match item {
                Item::Use(item) => {
                    for import in imports(item).into_iter().filter(|import| import.public) {
                        match &import.name {
                            Some(name) => {
                                let place = within.below(name, &marks).again();
                                self.one(id, &import, name, &place, enter);
                            }
                            None => self.all(id, &import, &within.within(&marks), seen, enter),
                        }
                    }
                }
                item => {
                    if let Some((name, true)) = named(item) {
                        let place = within.below(&name, &marks);
                        self.items.entry((id, index)).or_default().insert(place);
                    }
                }
            }
        }
    }

    /// What a `pub use` brings under one name.
    fn one(&mut self, id: Id, import: &Import, name: &str, place: &Place, enter: Enter<'_>) {
        let tree = self.tree;
        let meanings = tree.imported(id, import);
        if meanings.is_empty() {
            self.line(&place.path, &place.marks, &format!("pub use {}", import.path.join("::")));
            self.unknown.extend(import.path.last().cloned());
        }
        for meaning in meanings {
            match meaning {
                Meaning::Module(child) if tree.modules[child].public => enter(child, place.clone()),
                Meaning::Module(_) => {}
                Meaning::Item(module, index) => {
                    let item = &tree.modules[module].items[index];
                    if let Some((own, true)) = named(item) {
                        let mut place = Place { renamed: own != name, ..place.clone() };
                        add(&mut place.marks, tree.modules[module].inherited.iter().cloned());
                        add(&mut place.marks, attributes(item).and_then(marks).unwrap_or_default());
                        self.items.entry((module, index)).or_default().insert(place);
                    }
                }
                Meaning::Foreign(path) => {
                    self.line(&place.path, &place.marks, &format!("pub use {}", path.join("::")));
                }
            }
        }
    }

    /// What a `pub use` brings by `*`.
    fn all(
        &mut self,
        id: Id,
        import: &Import,
        within: &Place,
        seen: &mut BTreeSet<Id>,
        enter: Enter<'_>,
    ) {
        for meaning in self.tree.imported(id, import) {
            match meaning {
                Meaning::Module(module) => self.module(module, within, seen, enter),
                Meaning::Item(..) => {}
                Meaning::Foreign(path) => {
                    let place = within.below("*", &Marks::new());
                    let source = format!("pub use {}::*", path.join("::"));
                    self.line(&place.path, &place.marks, &source);
                }
            }
        }
    }

    /// The best place of an item, where its lines are.
    fn place(&self, module: Id, index: usize) -> Option<Place> {
        self.items.get(&(module, index))?.first().cloned()
    }

    fn declarations(&mut self) {
        for ((module, index), places) in self.items.clone() {
            let item = &self.tree.modules[module].items[index];
            let mut places = places.into_iter();
            let Some(best) = places.next() else { continue };
            for other in places.filter(|other| other.path != best.path) {
                self.line(&other.path, &other.marks, &format!("pub use {}", best.path));
            }
            let (declaration, parts) = declare::item(item);
            self.line(&best.path, &best.marks, &declaration);
            let outer = inherited(&best.marks);
            self.parts(&best.path, &outer, parts);
            for line in impls::derived(item) {
                self.line(&best.path, &outer, &line);
            }
        }
    }

    fn parts(&mut self, path: &str, outer: &Marks, parts: Vec<declare::Part>) {
        for part in parts {
            let mut marks = outer.clone();
            add(&mut marks, part.marks);
            self.line(&format!("{path}::{}", part.name), &marks, &part.declaration);
        }
    }

    /// The blocks of public types, and those of public traits for types of others.
    fn blocks(&mut self) {
        let tree = self.tree;
        for (id, module) in tree.modules.iter().enumerate() {
            for item in &module.items {
                let Item::Impl(block) = item else { continue };
                let own = marks(&block.attrs).unwrap_or_default();
                let mut outer = module.inherited.clone();
                add(&mut outer, own);
                match &block.trait_ {
                    None => {
                        if let About::Public(place) = self.about(id, &block.self_ty) {
                            add(&mut outer, inherited(&place.marks));
                            self.parts(&place.path, &outer, impls::inherent(block));
                        }
                    }
                    Some((path, _)) => {
                        let at = match (
                            self.about(id, &block.self_ty),
                            self.target(id, &impls::segments(path)),
                        ) {
                            (About::Private, _) | (_, About::Private) => continue,
                            (About::Public(place), _) | (About::Foreign, About::Public(place)) => {
                                place
                            }
                            (About::Foreign, About::Foreign) => continue,
                        };
                        add(&mut outer, inherited(&at.marks));
                        self.line(&at.path, &outer, &impls::implemented(block, path));
                    }
                }
            }
        }
    }

    /// What a block is about. A type of others that holds one of this library is about that.
    fn about(&self, module: Id, ty: &Type) -> About {
        let Some(path) = impls::subject(ty) else { return About::Foreign };
        match self.target(module, &path) {
            About::Foreign => {
                let inner = impls::arguments(ty).into_iter().map(|ty| self.about(module, ty));
                inner.fold(About::Foreign, |found, one| match found {
                    About::Foreign => one,
                    found => found,
                })
            }
            known => known,
        }
    }

    fn target(&self, module: Id, path: &[String]) -> About {
        let mut about = About::Foreign;
        for meaning in self.tree.resolve(module, path) {
            if let Meaning::Item(module, index) = meaning {
                match self.place(module, index) {
                    Some(place) => return About::Public(place),
                    None => about = About::Private,
                }
            }
        }
        about
    }

    /// Exported macros, and calls of macros that write impls for what is public, or it itself.
    fn macros(&mut self) {
        let tree = self.tree;
        let mut written = BTreeMap::new();
        for (id, item) in tree.macros() {
            let Some(ident) = &item.ident else { continue };
            let headers = impls::headers(item.mac.tokens.clone());
            if !headers.is_empty() {
                let public = headers.into_iter().any(|name| self.is_public(id, name));
                written.insert(ident.to_string(), public);
            }
            let mut marks = marks(&item.attrs).unwrap_or_default();
            if marks.iter().any(|mark| mark.starts_with("#[macro_export")) {
                add(&mut marks, tree.modules[id].inherited.iter().cloned());
                let path = format!("{}::{ident}!", self.name);
                for rule in declare::rules(item) {
                    self.line(&path, &marks, &rule);
                }
            }
        }
        for (id, item) in tree.macros().filter(|(_, item)| item.ident.is_none()) {
            let name = item.mac.path.get_ident().map(ToString::to_string).unwrap_or_default();
            let Some(public) = written.get(&name) else { continue };
            let mut words = impls::words(item.mac.tokens.clone()).into_iter();
            if *public || words.any(|word| self.unknown.contains(&word) || self.is_public(id, word))
            {
                let module = &tree.modules[id];
                let mut path = vec![self.name.clone()];
                path.extend(module.path.iter().cloned());
                self.parts(&path.join("::"), &module.inherited, impls::calls(&item.mac));
            }
        }
    }

    fn is_public(&self, module: Id, name: String) -> bool {
        matches!(self.target(module, &[name]), About::Public(_))
    }
}

/// What a type or trait is to users.
enum About {
    /// They can name it.
    Public(Place),
    /// It is of this library, and they cannot name it.
    Private,
    /// It is no item of this library.
    Foreign,
}
