//! The example of docs/plugins.md: a model with two tables, and a generator.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use promemu_plugin::{Family, Generator, Model, Param, Params, Refused, Table, Tables, Tick, export_plugin};

const PRICE: Param = Param::number("price", "", "price in euros");
const SHOP: Param = Param::record(
    "shop",
    &[Param::text("city", "", "where it is"), Param::map("prices", &PRICE, "{}", "prices by article")],
    "",
    "one shop",
);

/// Shops that sell.
struct Shops {
    shops: Vec<(String, Vec<(String, f64)>)>,
    ticks: u64,
}

impl Model for Shops {
    const NAME: &'static str = "shops";
    const SUMMARY: &'static str = "shops that sell";
    // An empty default: the parameter must be given. A .ron file may stand in its place.
    const PARAMS: &'static [Param] = &[Param::list("shops", &SHOP, "", "the shops").or_file()];
    const LISTENS: &'static str = "sale";
    const EMITS: &'static str = "sold";
    const SAVES: bool = true;

    // Refuse all that is wrong: each complaint is told at its place in the config.
    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let mut shops = Vec::new();
        for shop in params.items("shops") {
            let mut prices = Vec::new();
            for (article, price) in shop.entries("prices") {
                if price.number("price") < 0.0 {
                    price.refuse("price", "must be 0 or more");
                }
                prices.push((article.to_owned(), price.number("price")));
            }
            shops.push((shop.text("city").to_owned(), prices));
        }
        Ok(Self { shops, ticks: 0 })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        let prices: usize = self.shops.iter().map(|(_, prices)| prices.len()).sum();
        let table = |name: &str, labels: &str, rows: usize, families| Table {
            name: name.to_owned(),
            labels: labels.to_owned(),
            rows_max: rows.max(1) as u32,
            families,
        };
        let sales = Family::counter("shop_sales_total", "sales");
        let baskets = Family::histogram("shop_basket_euros", "value of a sale", &[2.0, 5.0]);
        let price = Family::gauge("shop_price_euros", "price of an article");
        Ok(vec![
            table("shops", "city", self.shops.len(), vec![sales, baskets]),
            table("prices", "city,article", prices, vec![price]),
        ])
    }

    // One call per host, tick and event. Rows stay until they are ended.
    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        if let Some(event) = tick.event() {
            tick.emit("sold", event.data);
            return Ok(());
        }
        let load = tick.lever_at("load", tick.now_nanos()).unwrap_or(1.0);
        let mut price_row = 0;
        for (row, (city, prices)) in (0..).zip(&self.shops) {
            if self.ticks == 0 {
                tables.begin(0, row, tick.now_nanos(), &[city]);
                for (article, price) in prices {
                    tables.begin(1, price_row, tick.now_nanos(), &[city, article]);
                    tables.set(1, price_row, 0, *price);
                    price_row += 1;
                }
            }
            tables.add(0, row, 0, 2.0 * load);
            tables.observe(0, row, 1, tick.uniform(1.0, 10.0), 2);
        }
        self.ticks += 1;
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, String> {
        Ok(self.ticks.to_le_bytes().to_vec())
    }

    fn load(params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let ticks = saved.try_into().map_err(|_| "the state has another length")?;
        Ok(Self { ticks: u64::from_le_bytes(ticks), ..Self::new(params)? })
    }
}

#[derive(Default)]
struct Counts {
    tries: AtomicU64,
    failures: AtomicU64,
    is_over: AtomicBool,
}

/// Connects to an address again and again, in a thread of its own.
struct Connects {
    address: String,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
    is_shown: bool,
}

impl Generator for Connects {
    const NAME: &'static str = "connects";
    const SUMMARY: &'static str = "connects to an address again and again";
    const PARAMS: &'static [Param] = &[Param::text("address", "", "as in 127.0.0.1:80")];

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let address = params.text("address").to_owned();
        Ok(Self { address, counts: Arc::default(), thread: None, is_shown: false })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        let families = vec![
            Family::counter("connects_total", "tries"),
            Family::counter("connect_errors_total", "failures"),
        ];
        Ok(vec![Table { name: "connects".to_owned(), labels: String::new(), rows_max: 1, families }])
    }

    fn start(&mut self) -> Result<(), String> {
        let (address, counts) = (self.address.clone(), Arc::clone(&self.counts));
        self.thread = Some(thread::spawn(move || {
            while !counts.is_over.load(Relaxed) {
                let failed = TcpStream::connect(&address).is_err();
                counts.tries.fetch_add(1, Relaxed);
                counts.failures.fetch_add(u64::from(failed), Relaxed);
                thread::sleep(Duration::from_millis(100));
            }
        }));
        Ok(())
    }

    fn collect(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        if !self.is_shown {
            tables.begin(0, 0, tick.now_nanos(), &[]);
            self.is_shown = true;
        }
        tables.set(0, 0, 0, self.counts.tries.load(Relaxed) as f64);
        tables.set(0, 0, 1, self.counts.failures.load(Relaxed) as f64);
        Ok(())
    }

    fn stop(&mut self, _deadline: Duration) {
        self.counts.is_over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

export_plugin!(models: [Shops], generators: [Connects]);
