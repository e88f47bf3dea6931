module consulserver

go 1.20

require github.com/hashicorp/consul v1.12.9
