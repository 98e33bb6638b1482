package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

type product struct {
	Name       string `json:"name"`
	PriceCents int    `json:"price_cents"`
	Stock      int    `json:"stock"`
}

// Price is the price as people write it.
func (p product) Price() string {
	return fmt.Sprintf("%d.%02d", p.PriceCents/100, p.PriceCents%100)
}

// catalogue is what the API answers.
type catalogue struct {
	Products []product `json:"products"`
	Source   string    `json:"source"`
	Version  string    `json:"version"`
}

// productsFrom asks the API at an address for its products.
func productsFrom(api string, client *http.Client) func(context.Context) (catalogue, error) {
	address := strings.TrimSuffix(api, "/") + "/products"
	return func(ctx context.Context) (catalogue, error) {
		var answer catalogue
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return answer, err
		}
		response, err := client.Do(request)
		if err != nil {
			return answer, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return answer, fmt.Errorf("%s answered %s", address, response.Status)
		}
		return answer, json.NewDecoder(response.Body).Decode(&answer)
	}
}
