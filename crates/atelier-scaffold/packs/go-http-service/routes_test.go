package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func ask(method, target string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	routes().ServeHTTP(recorder, httptest.NewRequest(method, target, nil))
	return recorder
}

func TestHealthSaysOK(t *testing.T) {
	got := ask(http.MethodGet, "/health")
	if got.Code != http.StatusOK || got.Body.String() != "{\"status\":\"ok\"}\n" {
		t.Errorf("got %d and %q", got.Code, got.Body)
	}
	if kind := got.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("got content type %q", kind)
	}
}

func TestTheRootSaysWhatTheServiceIs(t *testing.T) {
	var got map[string]string
	if err := json.Unmarshal(ask(http.MethodGet, "/").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["name"] != name || got["version"] != version || got["summary"] != summary {
		t.Errorf("got %v", got)
	}
}

func TestTheQueryDoesNotChooseTheRoute(t *testing.T) {
	if got := ask(http.MethodGet, "/health?verbose=1"); got.Code != http.StatusOK {
		t.Errorf("got %d", got.Code)
	}
}

func TestAnUnknownPathIsNotFound(t *testing.T) {
	for _, target := range []string{"/nothing", "/health/", "//health"} {
		if got := ask(http.MethodGet, target); got.Code != http.StatusNotFound {
			t.Errorf("%s: got %d", target, got.Code)
		}
	}
}

func TestAWrongMethodIsToldWhichAreRight(t *testing.T) {
	got := ask(http.MethodDelete, "/health")
	if got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d and %q", got.Code, got.Header().Get("Allow"))
	}
}

func TestHeadHasTheLengthAndNoBody(t *testing.T) {
	got := ask(http.MethodHead, "/health")
	if got.Header().Get("Content-Length") != "16" || got.Body.Len() != 0 {
		t.Errorf("got length %q and %d bytes", got.Header().Get("Content-Length"), got.Body.Len())
	}
}
