module polarisserver

go 1.21

require github.com/polarismesh/polaris v1.18.1

replace gopkg.in/yaml.v2 => gopkg.in/yaml.v2 v2.2.2
