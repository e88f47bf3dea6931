package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// A workload runs one transaction and waits for its result.
type workload func(client *http.Client, options *runOptions, gid string) error

var workloads = map[string]workload{
	"saga":  saga,
	"empty": emptySaga,
	"tcc":   tcc,
	"msg":   msg,
	"start": startOnly,
}

const payload = `{\"amount\":30}`

func saga(client *http.Client, o *runOptions, gid string) error {
	return post(client, o.url+"/submit", fmt.Sprintf(
		`{"gid":"%s","trans_type":"saga","wait_result":true,"steps":[{"action":"%s/out","compensate":"%s/undoOut"},{"action":"%s/in","compensate":"%s/undoIn"}],"payloads":["%s","%s"]}`,
		gid, o.branches, o.branches, o.branches, o.branches, payload, payload))
}

// startOnly submits a saga without waiting for the result.
func startOnly(client *http.Client, o *runOptions, gid string) error {
	return post(client, o.url+"/submit", fmt.Sprintf(
		`{"gid":"%s","trans_type":"saga","retry_interval":10,"steps":[{"action":"%s/out","compensate":"%s/undoOut"},{"action":"%s/in","compensate":"%s/undoIn"}],"payloads":["%s","%s"]}`,
		gid, o.branches, o.branches, o.branches, o.branches, payload, payload))
}

func emptySaga(client *http.Client, o *runOptions, gid string) error {
	return post(client, o.url+"/submit", fmt.Sprintf(
		`{"gid":"%s","trans_type":"saga","wait_result":true,"steps":[{"action":"","compensate":""},{"action":"","compensate":""}],"payloads":["%s","%s"]}`,
		gid, payload, payload))
}

func tcc(client *http.Client, o *runOptions, gid string) error {
	if err := post(client, o.url+"/prepare", fmt.Sprintf(`{"gid":"%s","trans_type":"tcc"}`, gid)); err != nil {
		return err
	}
	for _, id := range []string{"01", "02"} {
		err := post(client, o.url+"/registerBranch", fmt.Sprintf(
			`{"gid":"%s","trans_type":"tcc","branch_id":"%s","data":"%s","confirm":"%s/confirm","cancel":"%s/cancel"}`,
			gid, id, payload, o.branches, o.branches))
		if err != nil {
			return err
		}
		query := fmt.Sprintf("/try?gid=%s&trans_type=tcc&branch_id=%s&op=try", gid, id)
		if err = post(client, o.branches+query, `{"amount":30}`); err != nil {
			return err
		}
	}
	return post(client, o.url+"/submit", fmt.Sprintf(`{"gid":"%s","trans_type":"tcc","wait_result":true}`, gid))
}

func msg(client *http.Client, o *runOptions, gid string) error {
	body := fmt.Sprintf(
		`{"gid":"%s","trans_type":"msg","wait_result":true,"query_prepared":"%s/query","steps":[{"action":"%s/in"}],"payloads":["%s"]}`,
		gid, o.branches, o.branches, payload)
	if err := post(client, o.url+"/prepare", body); err != nil {
		return err
	}
	return post(client, o.url+"/submit", body)
}

func post(client *http.Client, url string, body string) error {
	response, err := client.Post(url, "application/json", bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d: %s", url, response.StatusCode, text)
	}
	return nil
}
