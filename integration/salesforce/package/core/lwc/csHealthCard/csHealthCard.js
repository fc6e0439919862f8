/**
 * The health of one account on the record page of its profile: score, band, coverage, trend, why, and what
 * changed.
 *
 * It shows what stands in the profile and changes nothing. Fields come through Lightning Data Service, which
 * gives a person no field they may not see; one that is hidden is shown as unknown.
 */
import { LightningElement, api, wire } from 'lwc';
import { getFieldDisplayValue, getFieldValue, getRecord } from 'lightning/uiRecordApi';
import BAND from '@salesforce/schema/CS_Profile__c.CS_Band__c';
import CHANGE from '@salesforce/schema/CS_Profile__c.CS_Change__c';
import COVERAGE from '@salesforce/schema/CS_Profile__c.CS_Coverage__c';
import EXPLANATION from '@salesforce/schema/CS_Profile__c.CS_Explanation__c';
import HEALTH from '@salesforce/schema/CS_Profile__c.CS_Health__c';
import TREND from '@salesforce/schema/CS_Profile__c.CS_Trend__c';

const UNKNOWN = 'Unknown';

export default class CsHealthCard extends LightningElement {
    @api recordId;

    // Optional: a field the reader may not see is left out instead of refusing the whole record.
    @wire(getRecord, {
        recordId: '$recordId',
        optionalFields: [BAND, CHANGE, COVERAGE, EXPLANATION, HEALTH, TREND],
    })
    profile;

    get isLoading() {
        return !this.profile.data && !this.profile.error;
    }

    get score() {
        const points = this.valueOf(HEALTH);
        return typeof points === 'number' ? `${points.toFixed(1)} of 100` : UNKNOWN;
    }

    get band() {
        return this.shown(BAND);
    }

    get trend() {
        return this.shown(TREND);
    }

    get coverage() {
        const known = this.valueOf(COVERAGE);
        return typeof known === 'number' ? `${known.toFixed(1)} %` : UNKNOWN;
    }

    get lines() {
        return this.linesOf(EXPLANATION);
    }

    get isExplained() {
        return this.lines.length > 0;
    }

    get changes() {
        return this.linesOf(CHANGE);
    }

    get isChangeTold() {
        return this.changes.length > 0;
    }

    linesOf(field) {
        const text = this.valueOf(field);
        const told = typeof text === 'string' ? text.split('\n').filter((line) => line.trim() !== '') : [];
        return told.map((line, place) => ({ key: `${place}`, line }));
    }

    valueOf(field) {
        return getFieldValue(this.profile.data, field);
    }

    shown(field) {
        return getFieldDisplayValue(this.profile.data, field) || this.valueOf(field) || UNKNOWN;
    }
}
