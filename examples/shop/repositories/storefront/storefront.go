package main

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"log"
	"net/http"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

type storefront struct {
	products    func(context.Context) (catalogue, error)
	environment string
}

func (s storefront) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/", s.index)
	routes.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return routes
}

func (s storefront) index(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	answer, err := s.products(r.Context())
	status := http.StatusOK
	if err != nil {
		log.Printf("the API does not answer: %v", err)
		status = http.StatusBadGateway
	}
	var body bytes.Buffer
	content := map[string]any{"Catalogue": answer, "Failed": err != nil, "Environment": s.environment, "Version": version}
	if err := page.Execute(&body, content); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
