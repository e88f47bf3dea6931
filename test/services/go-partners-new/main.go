// Package main is the partner with current versions of go-zero and kratos.
package main

import "partner"

func main() {
	partner.Main(map[string]partner.Role{
		"service": partner.Serving(map[string]func(partner.Service) error{
			"gozero": partner.ServeGoZero,
			"kratos": partner.ServeKratos,
		}),
		"call": partner.Call,
	})
}
