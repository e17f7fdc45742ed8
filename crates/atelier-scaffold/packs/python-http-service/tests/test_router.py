"""What each route answers."""

import json
import unittest

from {{module}} import NAME, SUMMARY, VERSION
from {{module}}.router import respond


class Routes(unittest.TestCase):
    def test_health_says_ok(self) -> None:
        response = respond("GET", "/health")
        self.assertEqual((response.status, response.document), (200, {"status": "ok"}))

    def test_the_root_says_what_the_service_is(self) -> None:
        expected = {"name": NAME, "version": VERSION, "summary": SUMMARY}
        self.assertEqual(respond("GET", "/").document, expected)

    def test_the_query_does_not_choose_the_route(self) -> None:
        self.assertEqual(respond("GET", "/health?verbose=1").status, 200)

    def test_an_unknown_path_is_not_found(self) -> None:
        for path in ("/nothing", "/health/", "", "*", "//health"):
            self.assertEqual(respond("GET", path).status, 404, path)

    def test_a_wrong_method_is_told_which_are_right(self) -> None:
        response = respond("DELETE", "/health")
        self.assertEqual(response.status, 405)
        self.assertEqual(response.headers, {"Allow": "GET, HEAD"})

    def test_head_goes_where_get_goes(self) -> None:
        self.assertEqual(respond("HEAD", "/health"), respond("GET", "/health"))

    def test_a_body_is_one_json_document(self) -> None:
        body = respond("GET", "/nothing").body()
        self.assertEqual(json.loads(body), {"error": "there is nothing at /nothing"})


if __name__ == "__main__":
    unittest.main()
