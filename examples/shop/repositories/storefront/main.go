// The shop's front end.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "development"

func main() {
	api := os.Getenv("API_URL")
	if api == "" {
		log.Fatal("set API_URL to where the shop's API answers, for example http://localhost:8000")
	}
	shop := storefront{
		products:    productsFrom(api, &http.Client{Timeout: 5 * time.Second}),
		environment: os.Getenv("ENVIRONMENT"),
	}
	server := &http.Server{Addr: ":8080", Handler: shop.routes(), ReadHeaderTimeout: 5 * time.Second}

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		<-stop.Done()
		// Requests that run may end; a Kubernetes Service may still send some for a moment.
		bounded, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(bounded)
	}()

	log.Printf("version %s listens on port 8080 and asks %s", version, api)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	if err := <-stopped; err != nil {
		log.Fatalf("stopped with requests unanswered: %v", err)
	}
	log.Print("stopped")
}
