// The Socket.IO client of github.com/zishang520 as applications use it, driven by clients.mjs. A line of JSON in is an order,
// a line out is what the client reported. The end of the input is the end of the program.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

type order struct {
	Do    string            `json:"do"`
	Node  string            `json:"node"`
	URL   string            `json:"url"`
	Query map[string]string `json:"query"`
	Type  string            `json:"type"`
	Text  string            `json:"text"`
}

var output sync.Mutex

func report(node, what string, values ...any) {
	text := ""
	if len(values) > 0 && values[0] != nil {
		text = fmt.Sprint(values[0])
	}
	line, err := json.Marshal(map[string]string{"node": node, "is": what, "text": text})
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(line))
}

func connect(o order) *socket.Socket {
	query := url.Values{}
	for name, value := range o.Query {
		query.Set(name, value)
	}
	options := socket.DefaultOptions()
	options.SetTransports(types.NewSet(transports.WebSocket))
	options.SetForceNew(true)
	// A try that fails is noticed when this is over, 20 s by default.
	options.SetTimeout(2 * time.Second)
	// Else it may be there before anybody listens.
	options.SetAutoConnect(false)
	node, err := socket.Connect(o.URL+"/?"+query.Encode(), options)
	if err != nil {
		panic(err)
	}
	for event, what := range map[string]string{
		"connect":             "connected",
		"connect_error":       "failed",
		"disconnect":          "disconnected",
		"AUTHENTICATED":       "authenticated",
		"SOCKET_MSG_EXCHANGE": "received",
	} {
		node.On(types.EventName(event), func(values ...any) { report(o.Node, what, values...) })
	}
	// It does not return before the broker has answered.
	go node.Connect()
	return node
}

func main() {
	nodes := map[string]*socket.Socket{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		switch o.Do {
		case "connect":
			nodes[o.Node] = connect(o)
		case "send":
			nodes[o.Node].Emit(o.Type, o.Text, func(values []any, err error) {
				if err != nil {
					report(o.Node, "failed", err)
					return
				}
				report(o.Node, "ack", values...)
			})
		}
	}
}
