// Sends the six calls by Segment's or RudderStack's SDK for Go: `program segment|rudder URL WRITE_KEY`. Prints what the
// SDK reports as errors, as JSON, a line each.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	rudder "github.com/rudderlabs/analytics-go/v4"
	segment "github.com/segmentio/analytics-go/v3"
)

type tell struct{}

func (tell) failed(err error) {
	line, _ := json.Marshal(err.Error())
	fmt.Println(string(line))
}

type ofSegment struct{ tell }

func (ofSegment) Success(segment.Message)                {}
func (t ofSegment) Failure(_ segment.Message, err error) { t.failed(err) }

type ofRudder struct{ tell }

func (ofRudder) Success(rudder.Message)                {}
func (t ofRudder) Failure(_ rudder.Message, err error) { t.failed(err) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func sendBySegment(url, key string) {
	client, err := segment.NewWithConfig(key, segment.Config{Endpoint: url, BatchSize: 10, Callback: ofSegment{}})
	must(err)
	must(client.Enqueue(segment.Identify{UserId: "u1", Traits: segment.NewTraits().SetEmail("a@example.com")}))
	properties := segment.NewProperties().Set("order_id", "o1").Set("total", 27.5).Set("currency", "EUR")
	must(client.Enqueue(segment.Track{UserId: "u1", Event: "Order Completed", Properties: properties}))
	must(client.Enqueue(segment.Page{UserId: "u1", Name: "Home"}))
	must(client.Enqueue(segment.Screen{UserId: "u1", Name: "Start"}))
	must(client.Enqueue(segment.Group{UserId: "u1", GroupId: "g1"}))
	must(client.Enqueue(segment.Alias{UserId: "u1", PreviousId: "a1"}))
	must(client.Close())
}

func sendByRudder(url, key string) {
	client, err := rudder.NewWithConfig(key, rudder.Config{DataPlaneUrl: url, BatchSize: 10, Callback: ofRudder{}})
	must(err)
	must(client.Enqueue(rudder.Identify{UserId: "u1", Traits: rudder.NewTraits().SetEmail("a@example.com")}))
	properties := rudder.NewProperties().Set("order_id", "o1").Set("total", 27.5).Set("currency", "EUR")
	must(client.Enqueue(rudder.Track{UserId: "u1", Event: "Order Completed", Properties: properties}))
	must(client.Enqueue(rudder.Page{UserId: "u1", Name: "Home"}))
	must(client.Enqueue(rudder.Screen{UserId: "u1", Name: "Start"}))
	must(client.Enqueue(rudder.Group{UserId: "u1", GroupId: "g1"}))
	must(client.Enqueue(rudder.Alias{UserId: "u1", PreviousId: "a1"}))
	must(client.Close())
}

func main() {
	if os.Args[1] == "segment" {
		sendBySegment(os.Args[2], os.Args[3])
	} else {
		sendByRudder(os.Args[2], os.Args[3])
	}
}
