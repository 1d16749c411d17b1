// A TURN server of pion/turn for the tests, with time-limited credentials as coturn's use-auth-secret has them. It listens on
// ports of its own by UDP, TCP and TLS, prints {"udp":PORT,"tcp":PORT,"tls":PORT}, and ends with its standard input.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"os"

	"github.com/pion/turn/v5"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	address := flag.String("address", "127.0.0.1", "where to listen and to relay")
	secret := flag.String("secret", "", "what passwords are made with")
	realm := flag.String("realm", "pion.test", "of the server")
	certificate := flag.String("cert", "", "for TLS, in PEM")
	key := flag.String("key", "", "of the certificate")
	noRelays := flag.Bool("no-relays", false, "the quota of every user is 0")
	denied := flag.Bool("deny-peers", false, "permit no peer")
	flag.Parse()

	relays := &turn.RelayAddressGeneratorStatic{RelayAddress: net.ParseIP(*address), Address: *address}
	permit := func(net.Addr, net.IP) bool { return !*denied }
	any := net.JoinHostPort(*address, "0")
	udp := must(net.ListenPacket("udp", any))
	tcp := must(net.Listen("tcp", any))
	pair := must(tls.LoadX509KeyPair(*certificate, *key))
	secure := must(tls.Listen("tcp", any, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}))
	server := must(turn.NewServer(turn.ServerConfig{
		Realm:        *realm,
		AuthHandler:  turn.LongTermTURNRESTAuthHandler(*secret, nil),
		QuotaHandler: func(string, string, net.Addr) bool { return !*noRelays },
		PacketConnConfigs: []turn.PacketConnConfig{
			{PacketConn: udp, RelayAddressGenerator: relays, PermissionHandler: permit},
		},
		ListenerConfigs: []turn.ListenerConfig{
			{Listener: tcp, RelayAddressGenerator: relays, PermissionHandler: permit},
			{Listener: secure, RelayAddressGenerator: relays, PermissionHandler: permit},
		},
	}))
	port := func(at net.Addr) int {
		switch at := at.(type) {
		case *net.UDPAddr:
			return at.Port
		case *net.TCPAddr:
			return at.Port
		}
		return 0
	}
	ports := map[string]int{"udp": port(udp.LocalAddr()), "tcp": port(tcp.Addr()), "tls": port(secure.Addr())}
	must(0, json.NewEncoder(os.Stdout).Encode(ports))
	must(io.Copy(io.Discard, os.Stdin))
	must(0, server.Close())
}
