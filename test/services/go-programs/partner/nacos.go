package main

import (
	"encoding/json"
	"net/http"
	"path"
	"strconv"

	"partner"

	"github.com/nacos-group/nacos-sdk-go/clients"
	"github.com/nacos-group/nacos-sdk-go/common/constant"
	"github.com/nacos-group/nacos-sdk-go/vo"
)

// serveNacosHTTP serves HTTP and registers in Nacos, which looks like a Spring Cloud service to dtm.
func serveNacosHTTP(s partner.Service) error {
	server := &http.Server{Addr: s.Address, Handler: http.HandlerFunc(serveHTTP)}
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			partner.Check(err)
		}
	}()

	servers, config := nacosConfig(s)
	client, err := clients.NewNamingClient(vo.NacosClientParam{ServerConfigs: servers, ClientConfig: config})
	if err != nil {
		return err
	}
	host, port := s.Endpoint()
	if _, err := client.RegisterInstance(vo.RegisterInstanceParam{
		ServiceName: s.Name,
		Ip:          host,
		Port:        uint64(port),
		Weight:      1,
		Enable:      true,
		Healthy:     true,
		Ephemeral:   true,
	}); err != nil {
		return err
	}
	s.AnnounceWhenListening()
	partner.WaitForSignal()
	_, err = client.DeregisterInstance(vo.DeregisterInstanceParam{
		ServiceName: s.Name,
		Ip:          host,
		Port:        uint64(port),
		Ephemeral:   true,
	})
	return err
}

// serveHTTP answers like a dtm branch.
func serveHTTP(response http.ResponseWriter, request *http.Request) {
	method := path.Base(request.URL.Path)
	transfer := &partner.Transfer{}
	if request.Method != http.MethodPost || partner.LogFormats[method] == "" {
		http.NotFound(response, request)
		return
	}
	if err := json.NewDecoder(request.Body).Decode(transfer); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	result := "SUCCESS"
	if partner.Do(method, transfer, request.URL.Query().Get) != nil {
		result = "FAILURE"
		response.WriteHeader(http.StatusConflict)
	}
	_ = json.NewEncoder(response).Encode(map[string]string{"dtm_result": result})
}

func nacosConfig(s partner.Service) ([]constant.ServerConfig, *constant.ClientConfig) {
	port, err := strconv.ParseUint(s.Registry.Port(), 10, 16)
	partner.Check(err)
	server := constant.ServerConfig{IpAddr: s.Registry.Hostname(), Port: port, ContextPath: "/nacos"}
	client := &constant.ClientConfig{
		NotLoadCacheAtStart: true,
		LogDir:              "log",
		CacheDir:            "cache",
		LogLevel:            "error",
	}
	return []constant.ServerConfig{server}, client
}
