// Copyright (c) 2026, the fullchain.tls contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Two programs for the test of the judge's predictions.
//
//	main serve CASES   serves each case's chain exactly as written (other servers refuse a wrong leaf or garbage),
//	                   prints a line of ports when all listen, and ends with its standard input
//	main connect CASES is the Go client: prints one JSON list, "" for each accepted case, else the error
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

type testCase struct {
	Chain      []string `json:"chain"` // base64 of what is served, in order
	Key        string   `json:"key"`
	Trust      string   `json:"trust"`
	ServerName string   `json:"server_name"`
	Port       int      `json:"port"`
	Staple     string   `json:"staple"` // base64 of the OCSP response that is stapled; "" for none
	Client     string   `json:"client"` // PEM of a certificate to present, and of its key; "" for none
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func serve(c testCase) int {
	block, _ := pem.Decode([]byte(c.Key))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(err)
	certificate := tls.Certificate{PrivateKey: key}
	for _, text := range c.Chain {
		der, err := base64.StdEncoding.DecodeString(text)
		check(err)
		certificate.Certificate = append(certificate.Certificate, der)
	}
	if c.Staple != "" {
		certificate.OCSPStaple, err = base64.StdEncoding.DecodeString(c.Staple)
		check(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	check(err)
	go func() {
		for {
			connection, err := listener.Accept()
			check(err)
			go func() {
				defer connection.Close()
				connection.SetDeadline(time.Now().Add(10 * time.Second))
				buffer := make([]byte, 4096)
				if n, _ := connection.Read(buffer); n > 0 {
					io.WriteString(connection, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func connect(c testCase) string {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(c.Trust))
	address := fmt.Sprintf("127.0.0.1:%d", c.Port)
	config := &tls.Config{RootCAs: roots, ServerName: c.ServerName}
	if c.Client != "" {
		own, err := tls.X509KeyPair([]byte(c.Client), []byte(c.Client))
		check(err)
		// whatever CAs the server names
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	connection, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err.Error()
	}
	connection.Close()
	return ""
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	check(err)
	var cases []testCase
	check(json.Unmarshal(text, &cases))
	if os.Args[1] == "serve" {
		ports := make([]string, len(cases))
		for i, c := range cases {
			ports[i] = fmt.Sprint(serve(c))
		}
		fmt.Println(strings.Join(ports, " "))
		io.Copy(io.Discard, os.Stdin)
		return
	}
	answers := make([]string, len(cases))
	for i, c := range cases {
		answers[i] = connect(c)
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}
