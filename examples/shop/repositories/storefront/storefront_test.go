package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(shop storefront, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	shop.routes().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

func TestThePageShowsWhatTheAPIAnswers(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"products": [{"name": "Ship's <bell>", "price_cents": 12505, "stock": 3}], "source": "cache"}`))
	}))
	defer api.Close()
	answer := get(storefront{products: productsFrom(api.URL, api.Client())}, "/")
	for _, expected := range []string{"Ship&#39;s &lt;bell&gt;", "125.05", "from the cache"} {
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), expected) {
			t.Errorf("expected %q with status 200, got status %d:\n%s", expected, answer.Code, answer.Body)
		}
	}
}

func TestWithoutTheAPIThePageSaysSo(t *testing.T) {
	shop := storefront{products: func(context.Context) (catalogue, error) { return catalogue{}, errors.New("refused") }}
	if answer := get(shop, "/"); answer.Code != http.StatusBadGateway || !strings.Contains(answer.Body.String(), "can't be shown") {
		t.Errorf("got status %d:\n%s", answer.Code, answer.Body)
	}
	if answer := get(shop, "/healthz"); answer.Code != http.StatusOK {
		t.Errorf("/healthz: got status %d", answer.Code)
	}
}
