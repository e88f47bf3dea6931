// Package main is the partner with the framework versions of dtm's module graph, and an initiator with dtm's Go client.
package main

import "partner"

func main() {
	partner.Main(map[string]partner.Role{
		"service": partner.Serving(map[string]func(partner.Service) error{
			"plain":      partner.ServePlain(partner.Unpublished),
			"gozero":     serveGoZero,
			"kratos":     partner.ServeKratos,
			"ego":        serveEgo,
			"polaris":    partner.ServePlain(publishOnPolaris),
			"nacos-http": serveNacosHTTP,
		}),
		"call":  partner.Call,
		"begin": begin,
	})
}
