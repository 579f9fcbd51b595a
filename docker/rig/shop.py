#!/usr/bin/env python3
"""A small shop for the rig: a frontend, its backend with a cache and a PostgreSQL, and clients.

    shop.py backend --listen PORT --cache HOST:PORT --database 'host=… port=…'
    shop.py frontend --listen PORT --backend http://HOST:PORT
    shop.py clients --url http://HOST:PORT --rate REQUESTS_A_SECOND

Frontend and backend answer /metrics as a Prometheus reads them, and /health: 200 if what they need answers, else 503.
"""

import argparse
import contextlib
import http.client
import json
import queue
import random
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from pymemcache.client.base import Client

ITEMS = 5000
# Longer than an answer of the cache and the database takes, and short enough that outages do not pile up requests.
TIMEOUT = 1.0


def serve(port, service, answer, is_healthy):
    """Answers requests for ever: /metrics, /health, and all other paths by `answer`, which gives a status and a text."""
    requests = Counter('http_requests_total', 'Requests that were answered.', ['service', 'code'])
    seconds = Histogram('http_request_duration_seconds', 'Time to an answer.', ['service'])
    in_flight = Gauge('http_requests_in_flight', 'Requests that wait for their answer.', ['service'])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_GET(self):
            if self.path == '/metrics':
                self.send(200, generate_latest(), CONTENT_TYPE_LATEST)
            elif self.path == '/health':
                is_well = is_healthy()
                body = json.dumps({'service': service, 'status': 'up' if is_well else 'down'})
                self.send(200 if is_well else 503, body.encode(), 'application/json')
            else:
                self.count()

        def count(self):
            with in_flight.labels(service).track_inprogress(), seconds.labels(service).time():
                try:
                    code, text = answer(self.path)
                except Exception as error:  # What fails in a request ends that request alone.
                    code, text = 500, str(error)
            requests.labels(service, code).inc()
            self.send(code, text.encode(), 'text/plain; charset=utf-8')

        def send(self, code, body, content_type):
            try:
                self.send_response(code)
                self.send_header('Content-Type', content_type)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # The client has gone.

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    Server(('127.0.0.1', port), Handler).serve_forever()


class Pool:
    """Connections that requests take and give back; one that has failed is not used again."""

    def __init__(self, connect):
        self.connect, self.idle = connect, queue.LifoQueue()

    @contextlib.contextmanager
    def taken(self):
        try:
            connection = self.idle.get_nowait()
        except queue.Empty:
            connection = self.connect()
        try:
            yield connection
        except Exception:
            connection.close()
            raise
        self.idle.put(connection)


class Store:
    """The items of the shop: in a PostgreSQL, and for ten seconds in a cache."""

    def __init__(self, cache, database):
        host, port = cache.rsplit(':', 1)
        self.caches = Pool(lambda: Client((host, int(port)), connect_timeout=TIMEOUT, timeout=TIMEOUT / 4))
        self.databases = Pool(lambda: connected(database))
        self.lookups = Counter('cache_lookups_total', 'Look-ups in the cache by their result.', ['result'])
        self.queries = Counter('database_queries_total', 'Queries of the database.')
        self.query('CREATE TABLE IF NOT EXISTS items (id int PRIMARY KEY, name text, stock int)')
        self.query(
            "INSERT INTO items SELECT i, 'item ' || i, mod(i, 100) FROM generate_series(0, %s) i ON CONFLICT DO NOTHING",
            ITEMS,
        )

    def query(self, text, *values):
        """The first row of the result, or None."""
        with self.databases.taken() as connection, connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchone() if cursor.description else None

    def look_up(self, item):
        try:
            with self.caches.taken() as cache:
                text = cache.get(f'item-{item}')
            self.lookups.labels('hit' if text else 'miss').inc()
            return text.decode() if text else None
        except Exception:  # A cache that does not answer is no cache: the database has the item.
            self.lookups.labels('error').inc()
            return None

    def keep(self, item, text):
        with contextlib.suppress(Exception), self.caches.taken() as cache:
            cache.set(f'item-{item}', text, expire=10)

    def item(self, item):
        text = self.look_up(item)
        if text is None:
            self.queries.inc()
            row = self.query('SELECT name, stock, (SELECT avg(stock) FROM items) FROM items WHERE id = %s', item)
            if row is None:
                return 404, 'no such item'
            text = f'{row[0]}: {row[1]} in stock, {row[2]:.1f} on average\n' + 'x' * 2000
            self.keep(item, text)
        return 200, text

    def is_healthy(self):
        try:
            return self.query('SELECT 1') is not None
        except Exception:
            return False


def connected(database):
    connection = psycopg2.connect(database)
    connection.autocommit = True
    return connection


def fetched(url, timeout):
    """Status and text of a page; 502 for a server that does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors='replace')
    except (OSError, http.client.HTTPException):
        return 502, 'no answer'


def backend(options):
    store = Store(options.cache, options.database)
    serve(options.listen, 'backend', lambda path: store.item(int(path.rsplit('/', 1)[-1])), store.is_healthy)


def frontend(options):
    def answer(path):
        code, text = fetched(options.backend + path, 2 * TIMEOUT)
        return code, f'<h1>Shop</h1><p>{text}</p>' if code == 200 else text

    serve(options.listen, 'frontend', answer, lambda: fetched(f'{options.backend}/health', TIMEOUT)[0] == 200)


def clients(options):
    """Clients that ask one request after the other, with pauses as those of a Poisson process."""
    count = 8

    def ask():
        while True:
            time.sleep(random.expovariate(options.rate / count))
            # Few items are asked for often, most of them rarely.
            fetched(f'{options.url}/items/{int(ITEMS * random.random() ** 3)}', 3 * TIMEOUT)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = parser.add_subparsers(required=True, metavar='ROLE')
    for role, flags in {backend: ['--cache', '--database'], frontend: ['--backend'], clients: ['--url']}.items():
        of_role = roles.add_parser(role.__name__)
        of_role.set_defaults(role=role)
        for flag in flags:
            of_role.add_argument(flag, required=True)
        if role is clients:
            of_role.add_argument('--rate', type=float, default=20.0)
        else:
            of_role.add_argument('--listen', type=int, required=True)
    options = parser.parse_args()
    options.role(options)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        pass
